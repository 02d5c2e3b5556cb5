import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { createClient, type FanfoldClient } from '../../src/client/index.ts'
import { runCommand, SERVER_KEY, type ServerProcess, startProcess } from '../setup/process.ts'
import { type ConsoleOptions, type ConsoleTab, launchBrowser, openConsole } from './browser.ts'

/** A server with the small demo world on the embedded default, and a browser: what the tests of all pages share. */
export interface World {
  readonly address: string
  readonly client: FanfoldClient
  /** A tab with the admin key and the server of the world unless told otherwise; closed with the world. */
  open(options?: ConsoleOptions & { readonly address?: string }): Promise<ConsoleTab>
  /** SIGKILL, and a new server at the same address. */
  killServer(): Promise<void>
  startServer(): Promise<void>
  close(): Promise<void>
}

export async function openWorld(chromium: string): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'fanfold-console-'))
  const databaseUrl = `pglite:${join(folder, 'data')}`
  const env = {
    FANFOLD_DATABASE_URL: databaseUrl,
    FANFOLD_STORE_TIME_ZONE: 'Europe/Berlin',
    FANFOLD_RATE_LIMIT: '1000000',
    // Webhooks of the tests are received on this machine.
    FANFOLD_WEBHOOK_ALLOW_HTTP: 'true',
    FANFOLD_WEBHOOK_ALLOW_PRIVATE: 'true',
  }
  const filled = await runCommand(['demo', '--size', 'small', '--json'], env)
  if (filled.code !== 0) throw new Error(`fanfold demo: ${filled.stderr}`)
  let server: ServerProcess | undefined = await startProcess(databaseUrl, env)
  const { address } = server
  const { port } = new URL(address)
  let browser: Browser | undefined = await launchBrowser(chromium)
  return {
    address,
    client: createClient({ baseUrl: address, apiKey: SERVER_KEY }),
    open: ({ address: other = address, ...options } = {}) =>
      openConsole(browser!, other, { apiKey: SERVER_KEY, ...options }),
    async killServer() {
      await server?.kill()
      server = undefined
    },
    async startServer() {
      server = await startProcess(databaseUrl, { ...env, FANFOLD_PORT: port })
    },
    async close() {
      await browser?.close()
      browser = undefined
      await server?.kill()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
