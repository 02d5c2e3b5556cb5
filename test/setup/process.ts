import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export const SERVER_KEY = 'process-test-key-0123456789'
const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

export interface CliResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

function environment(extra: Record<string, string>): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('FANFOLD_'))
  return { ...Object.fromEntries(own), FANFOLD_API_KEY: SERVER_KEY, ...extra }
}

/** Runs the built command line to its end. */
export async function runCommand(
  args: readonly string[],
  env: Record<string, string> = {},
  cwd?: string,
): Promise<CliResult> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: environment(env),
    ...(cwd === undefined ? {} : { cwd }),
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString()
  })
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout, stderr }
}

export interface ServerProcess {
  readonly address: string
  readonly child: ChildProcess
  /** What it wrote to stderr so far. */
  readonly log: () => string
  /** SIGKILL: no chance to finish anything. */
  kill(): Promise<void>
  /** SIGINT, as Ctrl-C; answers the exit code. */
  stop(): Promise<number | null>
}

/** Starts `fanfold serve` on a free port and waits until it listens. */
export async function startProcess(
  databaseUrl: string,
  env: Record<string, string> = {},
  more: readonly string[] = [],
): Promise<ServerProcess> {
  const args = [
    MAIN,
    'serve',
    '--json',
    '--port',
    env['FANFOLD_PORT'] ?? '0',
    '--log-level',
    'warn',
    '--database-url',
    databaseUrl,
    ...more,
  ]
  const child = spawn(process.execPath, args, { env: environment(env) })
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString()
  })
  const closed = once(child, 'close') as Promise<[number | null]>
  const firstLine = once(createInterface({ input: child.stdout }), 'line') as Promise<[string]>
  const started = await Promise.race([firstLine, closed.then(() => undefined)])
  if (started === undefined) throw new Error(`the server did not start:\n${stderr}`)
  const { address } = JSON.parse(started[0]) as { address: string }
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal)
    return (await closed)[0]
  }
  return { address, child, log: () => stderr, kill: async () => void (await end('SIGKILL')), stop: () => end('SIGINT') }
}

export interface Reply {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into any document
  readonly body: any
  readonly replayed: boolean
}

/** One request over a real socket; `undefined` when the server went away before it answered. */
export async function send(
  address: string,
  method: string,
  path: string,
  body?: unknown,
  idempotencyKey?: string,
): Promise<Reply | undefined> {
  try {
    const response = await fetch(`${address}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${SERVER_KEY}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      // Longer than a statement may take: an answer that is lost must not stop who asks.
      signal: AbortSignal.timeout(45_000),
    })
    const text = await response.text()
    return {
      status: response.status,
      body: text === '' ? undefined : JSON.parse(text),
      replayed: response.headers.get('idempotent-replayed') === 'true',
    }
  } catch {
    return undefined
  }
}
