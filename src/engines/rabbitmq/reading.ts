import type { Clock } from '../../core/clock.ts'
import { AppError } from '../../core/errors.ts'
import { LIMITS } from '../../core/limits.ts'
import type { Arguments, Delivered, RabbitChannel } from './client.ts'

export interface ReadOptions {
  readonly queue: { readonly name: string; readonly args: Arguments }
  readonly clock: Clock
  /** Messages that are looked at; the oldest. */
  readonly most?: number
  /** Whether every message is answered as done, so that few are held at a time. */
  readonly takesAll?: boolean
  /** Gets the messages in batches, oldest first; answers those that are done. The others stay in the queue. */
  readonly take: (batch: readonly Delivered[]) => Promise<readonly Delivered[]>
}

const SETTLE_MS = 10
const SETTLE_LOOKS = 100

/**
 * Looks at what waits in a queue, by taking it and putting back what is not done: RabbitMQ has no other way. Only for the
 * holder of the lock: of two that read at the same time, each would see a part. The channel is good for nothing else then.
 */
export async function readQueue(channel: RabbitChannel, options: ReadOptions): Promise<void> {
  const { queue, clock, most = LIMITS.deadLettersReadMax, takesAll = false, take } = options
  const batch = LIMITS.batchItemsMax
  const wanted = Math.min(await channel.declareQueue(queue.name, queue.args), most)
  if (wanted === 0) return
  const arrived: Delivered[] = []
  let wake: () => void = () => undefined
  const stop = await channel.consume(queue.name, takesAll ? Math.min(wanted, 2 * batch) : wanted, (message) => {
    arrived.push(message)
    wake()
  })
  let isCut = false
  void channel.ended.then(() => {
    isCut = true
    wake()
  })

  /** The next ones; fewer when no more come, because somebody without the lock has taken some. */
  async function next(count: number): Promise<Delivered[]> {
    let isLate = false
    while (arrived.length < count && !isLate) {
      if (isCut) throw new AppError('unavailable', `RabbitMQ: reading ${queue.name} was cut off`)
      const woken = new AbortController()
      wake = () => woken.abort()
      await clock.sleep(LIMITS.rabbitmqCallMsMax, woken.signal)
      isLate = !woken.signal.aborted
    }
    return arrived.splice(0, count)
  }

  const kept: number[] = []
  for (let seen = 0; seen < wanted; ) {
    const messages = await next(Math.min(batch, wanted - seen))
    if (messages.length === 0) break
    seen += messages.length
    const done = new Set(await take(messages))
    for (const message of messages) {
      if (done.has(message)) channel.ack(message.deliveryTag)
      else kept.push(message.deliveryTag)
    }
  }
  await stop()
  kept.push(...arrived.map(({ deliveryTag }) => deliveryTag))
  for (const tag of kept) channel.putBack(tag)
  // The next reader must find them all.
  for (let looks = 0; looks < SETTLE_LOOKS; looks++) {
    if ((await channel.declareQueue(queue.name, queue.args)) >= kept.length) return
    await clock.sleep(SETTLE_MS)
  }
}
