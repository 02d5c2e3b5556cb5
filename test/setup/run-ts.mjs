// Runs a TypeScript module from source in a process of its own: node run-ts.mjs FILE [ARGUMENT...]
// The module exports `main(...args)`. The process ends when main does, so that no open handle keeps it alive.
import { pathToFileURL } from 'node:url'
import { resolve } from 'node:path'
import { runnerImport } from 'vite'

const [file, ...args] = process.argv.slice(2)
const { module } = await runnerImport(pathToFileURL(resolve(file)).pathname, { configFile: false, logLevel: 'error' })
await module.main(...args)
process.exit(0)
