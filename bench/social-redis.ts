import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { Redis } from 'ioredis'

/**
 * Ends the server and removes its folder as soon as we close its standard input, or die, however we do: a signal could
 * not tell it the latter.
 */
const GUARD = `
folder=$1; shift
redis-server "$@" >"$folder/log" 2>&1 &
echo "$!"
cat >/dev/null
kill "$!" && wait "$!"
rm -rf "$folder"`

const START_TRIES = 100
const START_REST_MS = 50

export interface PrivateRedis {
  readonly version: string
  readonly pid: number
  /** Each of its 16 databases is empty at first. */
  url(database: number): string
  /** Ends the server, and removes what it wrote. */
  close(): Promise<void>
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function versionWhenReady(url: string, log: string): Promise<string> {
  for (let tries = 1; ; tries++) {
    const client = new Redis(url, { lazyConnect: true, retryStrategy: null })
    // Said by the failure of `connect` too.
    client.on('error', () => undefined)
    try {
      await client.connect()
      return /^redis_version:(\S+)/m.exec(await client.info('server'))?.[1] ?? 'unknown'
    } catch (cause) {
      if (tries < START_TRIES) await pause(START_REST_MS)
      else throw new Error(`redis-server did not start: ${await readFile(log, 'utf8').catch(() => '')}`, { cause })
    } finally {
      client.disconnect()
    }
  }
}

/**
 * A Redis of its own on a free port, with an append-only file that is synced every second, as a cache of the fan-out
 * should be run. The file is not rewritten meanwhile: that would fall upon one round and not upon another.
 */
export async function openPrivateRedis(): Promise<PrivateRedis> {
  const folder = await mkdtemp(join(tmpdir(), 'fanfold-redis-'))
  const port = await freePort()
  const settings = {
    port,
    bind: '127.0.0.1',
    dir: folder,
    save: '',
    appendonly: 'yes',
    appendfsync: 'everysec',
    'auto-aof-rewrite-percentage': 0,
    'maxmemory-policy': 'noeviction',
  }
  const options = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)])
  // A session of its own, so that Ctrl-C in a terminal does not end the guard before the server.
  const guard = spawn('sh', ['-c', GUARD, 'guard', folder, ...options], {
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
  })
  const ended = once(guard, 'close')
  const url = (database: number) => `redis://127.0.0.1:${port}/${database}`
  async function close(): Promise<void> {
    guard.stdin.end()
    await ended
    await rm(folder, { recursive: true, force: true })
  }
  try {
    const [pid] = (await once(createInterface(guard.stdout), 'line')) as [string]
    return { version: await versionWhenReady(url(0), join(folder, 'log')), pid: Number(pid), url, close }
  } catch (error) {
    await close()
    throw error
  }
}
