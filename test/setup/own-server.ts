import { type ChildProcess, execFile } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** A server of a test's own, with a folder and ports of its own, which the test may kill. */
export interface OwnServer {
  readonly url: string
  /** Where its data is. */
  readonly folder: string
  /** As by `kill -9`; returns when it is gone. */
  kill(): Promise<void>
  /** Starts it again with the data that it left; returns when it is ready. */
  start(): Promise<void>
  /** Ends it, and removes its data. */
  remove(): Promise<void>
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  try {
    await once(server.listen(port, '127.0.0.1'), 'listening')
    return true
  } catch {
    return false
  } finally {
    server.close()
  }
}

/**
 * The first of so many free ports in a row. They lie below those that connections are given, one of which could take the
 * port of a server that was killed and is to be started again.
 */
export async function freePort(count = 1): Promise<number> {
  for (;;) {
    const first = 20_000 + Math.floor(Math.random() * 12_000)
    const free = await Promise.all(Array.from({ length: count }, (_, n) => isFree(first + n)))
    if (free.every(Boolean)) return first
  }
}

export const ownFolder = (name: string): Promise<string> => mkdtemp(join(tmpdir(), `fanfold-${name}-`))

export interface Program {
  readonly url: string
  /** Removed in the end. */
  readonly folder: string
  /** What it writes, to either stream, when it can be asked. */
  readonly ready: string
  launch(): ChildProcess
}

export interface OwnProgram extends OwnServer {
  signal(signal: NodeJS.Signals): void
}

const OUTPUT_KEPT = 20_000

/** Starts a server that is one process. */
export async function startProgram({ url, folder, ready, launch }: Program): Promise<OwnProgram> {
  let server: ChildProcess | undefined

  async function start(): Promise<void> {
    const child = launch()
    server = child
    await new Promise<void>((resolve, reject) => {
      let output = ''
      child.once('error', reject)
      child.once('exit', () => reject(new Error(`the server ended:\n${output}`)))
      for (const stream of [child.stdout, child.stderr]) {
        stream?.on('data', (chunk) => {
          output = `${output}${chunk}`.slice(-OUTPUT_KEPT)
          if (output.includes(ready)) resolve()
        })
      }
    })
  }

  async function kill(): Promise<void> {
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return
    const gone = once(server, 'exit')
    server.kill('SIGKILL')
    await gone
  }

  await start()
  return {
    ...{ url, folder, start, kill },
    signal: (signal) => void server?.kill(signal),
    async remove() {
      await kill()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

const ENGINES = fileURLToPath(new URL('../../scripts/engines', import.meta.url))
const run = promisify(execFile)

/** The programs of the common server, if it was installed here; else they are fetched. */
async function borrowJars(name: string, home: string): Promise<void> {
  const common = join(process.env['FANFOLD_ENGINES_DIR'] ?? '/var/cache/fanfold/engines', name)
  const jars = existsSync(common) ? (await readdir(common)).find((file) => file.startsWith('jars-')) : undefined
  if (jars === undefined) return
  await mkdir(home, { recursive: true })
  await symlink(join(common, jars), join(home, jars))
}

/** Starts a server as the script for the servers of all tests does; `ports` in a row are kept free for it. */
export async function startEngine(name: string, ports = 1): Promise<OwnServer> {
  const parent = await ownFolder(name)
  // The server runs as a user of its own, who must get in.
  await chmod(parent, 0o755)
  const folder = join(parent, name)
  await borrowJars(name, folder)
  const port = `FANFOLD_ENGINE_${name.toUpperCase()}_PORT`
  const env = { ...process.env, FANFOLD_ENGINES_DIR: parent, [port]: String(await freePort(ports)) }
  const engines = async (command: string) => (await run('bash', [ENGINES, command, name], { env })).stdout
  await engines('up')
  return {
    url: (await readFile(join(folder, 'url'), 'utf8')).trim(),
    folder,
    kill: async () => void (await engines('kill')),
    start: async () => void (await engines('up')),
    async remove() {
      await engines('down')
      await rm(parent, { recursive: true, force: true })
    },
  }
}
