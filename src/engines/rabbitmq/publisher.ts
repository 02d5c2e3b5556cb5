import type { Closable } from '../../core/lifecycle.ts'
import type { Outgoing, RabbitChannel, RabbitClient } from './client.ts'

export interface Publisher extends Closable {
  /**
   * Sends all at once; they are on disk with a majority of the nodes when it resolves. Answers those that no queue took.
   * Throws `unavailable`; then any of them may have arrived or not.
   */
  publish(messages: readonly Outgoing[]): Promise<Outgoing[]>
}

/** Publishes on one channel, which is opened again when it ended; `prepare` is done on each new one. */
export function createPublisher(
  client: RabbitClient,
  prepare: (channel: RabbitChannel) => Promise<void> = async () => undefined,
): Publisher {
  let opening: Promise<RabbitChannel> | undefined

  async function open(): Promise<RabbitChannel> {
    const channel = await client.openChannel('publishing')
    await prepare(channel)
    return channel
  }

  async function channelOf(): Promise<RabbitChannel> {
    const known = opening
    const channel = await known?.catch(() => undefined)
    if (channel?.isOpen) return channel
    // Whoever waited for the same one may have opened the next by now.
    if (opening === undefined || opening === known) opening = open()
    return opening
  }

  return {
    async publish(messages) {
      if (messages.length === 0) return []
      const channel = await channelOf()
      try {
        return await channel.publish(messages)
      } catch (error) {
        // What is still unconfirmed on it must not be taken for an answer to something later.
        await channel.close()
        throw error
      }
    },
    async close() {
      const channel = await opening?.catch(() => undefined)
      await channel?.close()
    },
  }
}
