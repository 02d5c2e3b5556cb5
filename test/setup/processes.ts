import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const RUN_TS = fileURLToPath(new URL('./run-ts.mjs', import.meta.url))

export interface TestProcess {
  readonly pid: number
  /** Lines it wrote to stdout so far. A line that a kill cut off is not among them. */
  readonly lines: readonly string[]
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>
  readonly stderr: () => string
  /** The next line; throws when the process ends before. */
  nextLine(): Promise<string>
  kill(signal: NodeJS.Signals): void
}

/** Starts the `main(...args)` of a TypeScript module in a process of its own. */
export function startProcess(
  script: URL,
  args: readonly string[],
  onLine: (line: string) => void = () => undefined,
): TestProcess {
  const child: ChildProcess = spawn(process.execPath, [RUN_TS, fileURLToPath(script), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const lines: string[] = []
  let stderr = ''
  let readTo = 0
  let wake = () => undefined as void
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk
  })
  createInterface({ input: child.stdout! }).on('line', (line) => {
    lines.push(line)
    onLine(line)
    wake()
  })
  let over = false
  const ended = new Promise<number | NodeJS.Signals>((resolve) => {
    child.once('close', (code, signal) => {
      over = true
      resolve(signal ?? code ?? -1)
      wake()
    })
  })
  return {
    pid: child.pid!,
    lines,
    ended,
    stderr: () => stderr,
    async nextLine() {
      while (readTo >= lines.length) {
        if (over) throw new Error(`the process ended without another line\n${stderr}`)
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      return lines[readTo++]!
    },
    kill: (signal) => void child.kill(signal),
  }
}
