import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const RUN_TS = fileURLToPath(new URL('./run-ts.mjs', import.meta.url))

export interface ScriptProcess {
  readonly pid: number
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>
  /** What it wrote to stderr so far. */
  readonly stderr: () => string
  /** SIGKILL: no chance to finish anything. */
  kill(): Promise<void>
}

/**
 * Runs the `main(...args)` of a TypeScript module in a process of its own. What it tells comes as lines of JSON on
 * stdout; a line that a kill cut off is dropped, as nobody could rely on it.
 */
export function startScript(
  script: URL,
  args: readonly string[],
  onMessage: (message: unknown) => void = () => undefined,
): ScriptProcess {
  const child = spawn(process.execPath, [RUN_TS, fileURLToPath(script), ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk
  })
  createInterface({ input: child.stdout }).on('line', (line) => {
    let message: unknown
    try {
      message = JSON.parse(line)
    } catch {
      return
    }
    onMessage(message)
  })
  const ended = new Promise<number | NodeJS.Signals>((resolve) => {
    child.once('close', (code, signal) => resolve(signal ?? code ?? -1))
  })
  return {
    pid: child.pid!,
    ended,
    stderr: () => stderr,
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

/** For scripts: tells the test something. */
export function tell(message: object): void {
  process.stdout.write(`${JSON.stringify(message)}\n`)
}
