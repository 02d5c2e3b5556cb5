import { defineConfig } from 'vitest/config'

const source = (path: string) => new URL(`./src/${path}`, import.meta.url).pathname

export default defineConfig({
  resolve: {
    // Examples import the package by its name, as its users do.
    alias: [
      { find: /^fanfold$/, replacement: source('index.ts') },
      { find: /^fanfold\/testing$/, replacement: source('testing/index.ts') },
      { find: /^fanfold\/(\w+)$/, replacement: source('standalone/$1.ts') },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/setup/engines.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    // Many tests start servers and processes of their own: one file at a time keeps their timing honest.
    maxWorkers: 1,
  },
})
