import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { Measured } from './bench.ts'
import { closedLoop } from './closed-loop.ts'

/** Load comes from processes of its own, so that a contender shares nothing with the harness or another one. */
interface Order {
  readonly clients: number
  readonly seconds: number
}
type Report = { readonly ready: true } | { readonly error: string } | Measured

export interface ClientProcess {
  run(clients: number, seconds: number): Promise<Measured>
  close(): Promise<void>
}

async function nextReport(child: ChildProcess): Promise<Exclude<Report, { error: string }>> {
  const gone = new AbortController()
  const exit = (code: number | null) => gone.abort(new Error(`a client process ended with ${code}`))
  child.once('exit', exit)
  try {
    const [report] = (await once(child, 'message', { signal: gone.signal })) as [Report]
    if ('error' in report) throw new Error(report.error)
    return report
  } catch (error) {
    throw gone.signal.aborted ? gone.signal.reason : error
  } finally {
    child.off('exit', exit)
  }
}

/** Starts a script that calls {@link serveClient}, and waits until it is ready. */
export async function startClient(script: URL, args: readonly string[]): Promise<ClientProcess> {
  const child = fork(script, args, { serialization: 'advanced', stdio: ['ignore', 2, 2, 'ipc'] })
  await nextReport(child)
  return {
    async run(clients, seconds) {
      child.send({ clients, seconds } satisfies Order)
      const report = await nextReport(child)
      if ('ready' in report) throw new Error('a client process reported out of turn')
      return report
    },
    async close() {
      if (child.exitCode !== null) return
      const exited = once(child, 'exit')
      child.disconnect()
      await exited
    },
  }
}

/** Several processes at once; their operations count together. */
export async function runTogether(
  processes: readonly ClientProcess[],
  clients: number,
  seconds: number,
): Promise<Measured> {
  const measured = await Promise.all(processes.map((each) => each.run(clients / processes.length, seconds)))
  return { seconds, latenciesMs: Float64Array.from(measured.flatMap(({ latenciesMs }) => [...latenciesMs])) }
}

/** The side of the script: does what it is told until the harness goes away. */
export async function serveClient(
  open: () => Promise<{ operation: () => Promise<unknown>; close: () => Promise<unknown> }>,
): Promise<void> {
  const report = (value: Report) => process.send?.(value)
  const { operation, close } = await open()
  process.on('message', ({ clients, seconds }: Order) => {
    closedLoop(clients, seconds, operation).then(report, (error: unknown) => report({ error: String(error) }))
  })
  process.once('disconnect', () => void close())
  report({ ready: true })
}
