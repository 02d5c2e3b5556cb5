// Runs a TypeScript module from source in a process of its own: node run-ts.mjs FILE [ARGUMENT...]
// The module exports `main(...args)`. The process ends when main does, so that no open handle keeps it alive.
import { fileURLToPath } from 'node:url'
import { runnerImport } from 'vite'

// A test run that was broken off must not leave its processes behind.
const parent = process.ppid
setInterval(() => process.ppid === parent || process.exit(1), 500).unref()

// All of main runs inside the import, as only then the runner loads what the program imports on first use.
const entry = fileURLToPath(new URL('./run-main.ts', import.meta.url))
await runnerImport(entry, { configFile: false, logLevel: 'error' })
process.exit(0)
