import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

const source = (path: string) => fileURLToPath(new URL(`./src/${path}`, import.meta.url))

/** Kill the servers of all, watch the clock, or measure their process: each runs while no other does. */
const ALONE = ['test/mixed/**/*.test.ts', 'test/contract/queue*.test.ts', 'test/http/timeline-stream.test.ts']

/** These first, lest one of them is left over in the end: vitest goes by the size of files. */
const LONG = ['/test/console/', '/test/faults/', '/test/contract/cassandra-timelines']

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const isLong = ({ moduleId }: TestSpecification) => LONG.some((path) => moduleId.includes(path))
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))]
  }
}

const shared = {
  resolve: {
    // Examples import the package by its name, as its users do.
    alias: [
      { find: /^fanfold$/, replacement: source('index.ts') },
      { find: /^fanfold\/client$/, replacement: source('client/index.ts') },
      { find: /^fanfold\/testing$/, replacement: source('testing/index.ts') },
      { find: /^fanfold\/(\w+)$/, replacement: source('standalone/$1.ts') },
    ],
  },
}
// Patient, as two files share the cores; nothing here is measured in time.
const limits = {
  ...{ testTimeout: 120_000, hookTimeout: 120_000, pool: 'forks' },
  expect: { poll: { timeout: 60_000 } },
} as const

/** Files of a group run `maxWorkers` at a time, one group after the other. */
const project = (groupOrder: number, name: string, maxWorkers: number, include: string[], exclude: string[] = []) => ({
  ...shared,
  test: { ...limits, name, include, exclude, maxWorkers, sequence: { groupOrder } },
})

export default defineConfig({
  test: {
    // Once for all files; what it provides, all groups have.
    globalSetup: ['test/setup/engines.ts'],
    sequence: { sequencer: LongestFirst },
    projects: [project(0, 'side by side', 2, ['test/**/*.test.ts'], ALONE), project(1, 'alone', 1, ALONE)],
  },
})
