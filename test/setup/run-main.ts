import { resolve } from 'node:path'

const [file, ...args] = process.argv.slice(2)
const { main } = (await import(/* @vite-ignore */ resolve(file!))) as { main(...args: string[]): Promise<void> }
await main(...args)
