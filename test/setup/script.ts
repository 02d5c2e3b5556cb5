import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const RUN_SCRIPT = fileURLToPath(new URL('./run-script.mjs', import.meta.url))

export interface ScriptProcess {
  readonly pid: number
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>
  /** What it wrote to stderr so far. */
  readonly stderr: () => string
  /** SIGKILL: no chance to finish anything. */
  kill(): Promise<void>
}

export interface Script {
  /**
   * Runs the script's `main(...args)` in a process of its own. What it tells comes as lines of JSON on stdout; a line
   * that a kill cut off is dropped, as nobody could rely on it.
   */
  start(args: readonly string[], onMessage?: (message: unknown) => void): ScriptProcess
  remove(): Promise<void>
}

/** Builds a TypeScript module with all it imports from source, so that a process of it starts quickly. */
export async function buildScript(source: URL): Promise<Script> {
  // Inside the project, where the packages are found.
  const cache = join(ROOT, '.cache')
  await mkdir(cache, { recursive: true })
  const outDir = await mkdtemp(join(cache, 'script-'))
  await build({
    configFile: false,
    root: ROOT,
    logLevel: 'error',
    build: { ssr: fileURLToPath(source), outDir, rollupOptions: { output: { entryFileNames: 'script.mjs' } } },
  })
  return {
    start: (args, onMessage) => start(join(outDir, 'script.mjs'), args, onMessage),
    remove: () => rm(outDir, { recursive: true }),
  }
}

function start(file: string, args: readonly string[], onMessage?: (message: unknown) => void): ScriptProcess {
  const child = spawn(process.execPath, [RUN_SCRIPT, file, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
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
    onMessage?.(message)
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
