import { fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { ROOT } from './root.ts'

export interface Server {
  readonly address: string
  close(): Promise<void>
}

export const API_KEY = 'a-key-for-benchmarks-only'

/** `fanfold serve` as a user starts it, but for the rate limit, which would be the only thing measured. */
export async function startFanfold(databaseUrl: string): Promise<Server> {
  const env = {
    PATH: process.env['PATH'],
    FANFOLD_DATABASE_URL: databaseUrl,
    FANFOLD_API_KEY: API_KEY,
    FANFOLD_PORT: '0',
    FANFOLD_RATE_LIMIT: '10000000',
    FANFOLD_LOG_LEVEL: 'warn',
  }
  const main = join(ROOT, 'dist/cli/main.js')
  const child = spawn(process.execPath, [main, 'serve', '--json'], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  const greeting = once(createInterface(child.stdout), 'line') as Promise<[string]>
  const early = exited.then(([code]) =>
    Promise.reject(new Error(`fanfold serve ended with ${code} before it was ready`)),
  )
  const [line] = await Promise.race([greeting, early])
  early.catch(() => undefined)
  return {
    address: (JSON.parse(line) as { address: string }).address,
    async close() {
      child.kill('SIGTERM')
      await exited
    },
  }
}

/** Bare Fastify in a process of its own, with one GET and one POST route for each answer. */
export async function startBareFastify(answers: Readonly<Record<string, unknown>>): Promise<Server> {
  const child = fork(new URL('./clients/bare-fastify.js', import.meta.url), [JSON.stringify(answers)])
  const exited = once(child, 'exit')
  const [message] = (await once(child, 'message')) as [{ address: string }]
  return {
    address: message.address,
    async close() {
      child.disconnect()
      await exited
    },
  }
}
