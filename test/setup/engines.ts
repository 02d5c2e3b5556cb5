import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { SERVERS, type ServerKey } from './servers.ts'
import { embeddedTemplate } from './template.ts'

declare module 'vitest' {
  interface ProvidedContext extends Record<ServerKey, string | undefined> {
    /** Folder of a migrated PGlite database to copy. */
    embeddedTemplate: string
    /** Path of a headless browser. */
    chromium: string | undefined
  }
}

/** Debian's name, and others'. */
const BROWSERS = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome']

function findBrowser(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  const paths = BROWSERS.flatMap((name) => folders.map((folder) => join(folder, name)))
  return process.env['FANFOLD_TEST_CHROMIUM'] ?? paths.find((path) => existsSync(path))
}

const ANSWER_MS = 15_000

/** A driver that waits with timers that keep no process alive would let this one end, as if all tests had passed. */
async function answered(asking: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ANSWER_MS} ms`)), ANSWER_MS)
  })
  try {
    await Promise.race([asking, late])
  } finally {
    clearTimeout(timer)
  }
}

const wordsOf = (error: unknown) => (error instanceof Error && error.message !== '' ? error.message : String(error))

/** Finds the servers that answer, once per run, and says which engines are left out and why. */
export default async function setup(project: TestProject): Promise<void> {
  project.provide('embeddedTemplate', await embeddedTemplate())
  const required = process.env['FANFOLD_REQUIRE_ENGINES'] ?? ''
  const isRequired = (engine: string) => required === 'all' || required.split(',').includes(engine)
  const chromium = findBrowser()
  project.provide('chromium', chromium)
  if (chromium === undefined) {
    if (isRequired('chromium')) throw new Error('FANFOLD_REQUIRE_ENGINES wants chromium, which is not in the PATH')
    process.stderr.write('left out: the console in a browser (no chromium in the PATH; Debian: apt install chromium)\n')
  }
  for (const { engine, title, provide, defaultUrl, ask } of SERVERS) {
    const url = process.env[`FANFOLD_TEST_${engine.toUpperCase().replaceAll('-', '_')}_URL`] ?? defaultUrl
    try {
      await answered(ask(url))
      project.provide(provide, url)
    } catch (error) {
      const problem = wordsOf(error)
      if (isRequired(engine)) {
        throw new Error(`FANFOLD_REQUIRE_ENGINES wants ${title} at ${url}, but: ${problem}`)
      }
      project.provide(provide, undefined)
      process.stderr.write(
        `left out: suites on ${title} (${url}: ${problem}); start one with scripts/engines up ${engine}\n`,
      )
    }
  }
}
