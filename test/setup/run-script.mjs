// Runs `main(...args)` of a built script: node run-script.mjs FILE [ARGUMENT...]
import { pathToFileURL } from 'node:url'

// A test run that was broken off must not leave its processes behind.
const parent = process.ppid
setInterval(() => process.ppid === parent || process.exit(1), 500).unref()

const [file, ...args] = process.argv.slice(2)
const { main } = await import(pathToFileURL(file).href)
await main(...args)
process.exit(0)
