import { fork } from 'node:child_process'
import { once } from 'node:events'

type Reply = { readonly value: unknown } | { readonly error: string }

/** A process that does one thing after the other as it is asked. */
export interface Child {
  readonly pid: number
  ask<Answer>(request: object): Promise<Answer>
  close(): Promise<void>
}

/** Starts a script that calls {@link serveChild} with these options, and waits until it is ready. */
export async function startChild(script: URL, options: object): Promise<Child> {
  const child = fork(script, [JSON.stringify(options)], {
    serialization: 'advanced',
    stdio: ['ignore', 2, 2, 'ipc'],
  })
  async function reply<Answer>(): Promise<Answer> {
    const gone = new AbortController()
    const exit = (code: number | null) => gone.abort(new Error(`a process of the benchmark ended with ${code}`))
    child.once('exit', exit)
    try {
      const [message] = (await once(child, 'message', { signal: gone.signal })) as [Reply]
      if ('error' in message) throw new Error(message.error)
      return message.value as Answer
    } catch (error) {
      throw gone.signal.aborted ? gone.signal.reason : error
    } finally {
      child.off('exit', exit)
    }
  }
  await reply()
  return {
    pid: child.pid!,
    ask(request) {
      child.send(request)
      return reply()
    },
    async close() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const exited = once(child, 'exit')
      if (child.connected) child.disconnect()
      await exited
    },
  }
}

/** The side of the script: answers until the harness goes away. */
export async function serveChild<Options, Request>(
  open: (options: Options) => Promise<{
    answer(request: Request): Promise<unknown>
    close(): Promise<unknown>
  }>,
): Promise<void> {
  const reply = (message: Reply) => process.send?.(message)
  const { answer, close } = await open(JSON.parse(process.argv[2]!) as Options)
  process.on('message', (request: Request) => {
    answer(request).then(
      (value) => reply({ value }),
      (error: unknown) => reply({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
    )
  })
  process.once('disconnect', () => void close())
  // A Ctrl-C in a terminal reaches us too: the harness tells when to end.
  process.on('SIGINT', () => undefined)
  reply({ value: undefined })
}
