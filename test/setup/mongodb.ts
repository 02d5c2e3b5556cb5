import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { type CommandStartedEvent, type Db, MongoClient } from 'mongodb'
import { inject } from 'vitest'
import type { Engine } from '../../src/engines/engine.ts'
import { openMongodbEngine } from '../../src/engines/mongodb/engine.ts'
import { parseUrl } from '../../src/engines/registry.ts'
import type { PostStore } from '../../src/social/ports.ts'
import { testContext } from './context.ts'
import { freePort, type OwnServer, ownFolder, startProgram } from './own-server.ts'

/** The server, when it answers; see `engines.ts` beside this file. */
export function mongodbServer(): string | undefined {
  return inject('mongodbUrl')
}

/** The URL of a database of its own on a server. */
export function ownDatabase(server: string): string {
  const url = new URL(server)
  url.pathname = `/test-${randomBytes(6).toString('hex')}`
  return url.href
}

export interface MongodbUnderTest {
  readonly url: string
  readonly engine: Engine
  readonly store: PostStore
  /** A connection of the test's own: it sees documents as they are. */
  readonly raw: Db
  close(): Promise<void>
}

/** Posts in a migrated database that nobody else uses; closing removes it. */
export async function openMongodbPosts(server: string): Promise<MongodbUnderTest> {
  const url = ownDatabase(server)
  const context = testContext()
  const engine = await openMongodbEngine(parseUrl(url), context)
  await engine.migrate()
  const client = new MongoClient(url, { useBigInt64: true })
  return {
    url,
    engine,
    store: await engine.ports.posts!(context),
    raw: client.db(),
    async close() {
      await engine.close()
      await client.db().dropDatabase()
      await client.close()
    },
  }
}

/** Commands that a client sends from now on. */
export function watchCommands(client: MongoClient): CommandStartedEvent[] {
  const seen: CommandStartedEvent[] = []
  client.on('commandStarted', (event) => seen.push(event))
  return seen
}

/** The command line of the server that listens on a port, without its own arguments. */
async function commandOf(serverUrl: string): Promise<string[] | undefined> {
  const { port } = new URL(serverUrl)
  for (const pid of existsSync('/proc') ? await readdir('/proc') : []) {
    if (!/^\d+$/.test(pid)) continue
    const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0')
    const at = words.indexOf('Server')
    if (at > 0 && words[at + 2] === port) {
      const java = await readlink(`/proc/${pid}/exe`).catch(() => words[0]!)
      return [java, ...words.slice(1, at + 1)]
    }
  }
  return undefined
}

/** A server for one test, of the same program as the common one. */
export async function startMongodb(serverUrl: string): Promise<OwnServer | undefined> {
  const command = await commandOf(serverUrl)
  if (command === undefined) return undefined
  const folder = await ownFolder('mongodb')
  const port = await freePort()
  const [program, ...args] = [...command, '127.0.0.1', String(port), join(folder, 'journal.bson')]
  return await startProgram({
    url: `mongodb://127.0.0.1:${port}/`,
    folder,
    ready: 'ready',
    launch: () => spawn(program!, args, { stdio: ['ignore', 'pipe', 'pipe'] }),
  })
}
