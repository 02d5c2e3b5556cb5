import { openCluster } from '../../src/engines/kafka/engine.ts'
import { namesOf } from '../../src/engines/kafka/names.ts'
import { openQueueTransport } from '../../src/engines/kafka/queue-transport.ts'
import { targetOf } from '../../src/engines/kafka/target.ts'
import { parseUrl } from '../../src/engines/registry.ts'
import { createQueue } from '../../src/queue/queue.ts'
import { testContext } from '../setup/context.ts'
import { tell } from '../setup/tell.ts'

export interface WorkerOptions {
  readonly url: string
  readonly topic: string
  readonly node: number
  readonly sessionMs: number
  readonly concurrency: number
  /** The key whose messages end this process, as by `kill -9`. */
  readonly poison?: string
}

export type WorkerNews =
  | { readonly ready: true }
  /** A handler began. */
  | { readonly begun: number; readonly key: string; readonly attempt: number }
  | { readonly done: number; readonly key: string }

/** A process that handles the messages of a topic, each for a few milliseconds, and tells what it does. */
export async function main(json: string): Promise<void> {
  const options = JSON.parse(json) as WorkerOptions
  const target = targetOf(parseUrl(options.url))
  const { cluster } = await openCluster(target)
  const context = testContext({ node: options.node })
  const { sessionMs, concurrency } = options
  const queue = createQueue(openQueueTransport(cluster, namesOf(target), context, { sessionMs }), context)
  queue.consume(
    options.topic,
    async ({ key, payload, attempt }) => {
      const n = payload['n'] as number
      tell({ begun: n, key, attempt })
      if (key === options.poison) {
        // What was told must be out first.
        await new Promise<void>((resolve) => process.stdout.write('\n', () => resolve()))
        process.kill(process.pid, 'SIGKILL')
      }
      await new Promise((resolve) => setTimeout(resolve, n % 20))
      tell({ done: n, key })
    },
    { concurrency },
  )
  tell({ ready: true })
  await new Promise(() => undefined)
}
