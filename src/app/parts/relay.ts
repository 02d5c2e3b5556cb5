import { isAppError, messageOf } from '../../core/errors.ts'
import type { LogStore } from '../../log/port.ts'
import { registerSubscription, startSubscriber } from '../../log/subscriber.ts'
import type { EventPublisher } from '../../relay/port.ts'
import { relayOf } from '../../relay/relay.ts'
import type { Base } from '../base.ts'
import type { Followed } from '../status.ts'

export interface RelayPart {
  /** How far the events of each log are published. */
  readonly followed: readonly Followed[]
  startWorkers(): Promise<void>
}

/**
 * Publishes the events of the logs to the broker for others, where one is configured. A broker that is away holds up
 * nothing else, not even the start: its events wait in the logs.
 */
export async function openRelayPart(base: Base, logs: readonly LogStore<unknown>[]): Promise<RelayPart> {
  const { logger, lifecycle } = base
  const { eventsUrl } = base.config
  if (eventsUrl === undefined) return { followed: [], startWorkers: async () => undefined }

  const relays = logs.map((log) => {
    let opening: Promise<EventPublisher> | undefined
    const publisher = () => {
      opening ??= base.openPublisher(eventsUrl).catch((error: unknown) => {
        opening = undefined
        throw error
      })
      return opening
    }
    const close = async () => (await opening?.catch(() => undefined))?.close()
    return { publisher, subscription: relayOf(log, publisher), close }
  })
  for (const { subscription } of relays) await registerSubscription(subscription)

  return {
    followed: relays.map(({ subscription: { name, store } }) => ({ name, store })),
    async startWorkers() {
      for (const { publisher, subscription, close } of relays) {
        lifecycle.own('events for others', { close })
        try {
          await publisher()
        } catch (error) {
          // Any other is a mistake in the configuration.
          if (!isAppError(error, 'engine_unreachable')) throw error
          logger.error({ err: error }, `events for others wait for their broker: ${messageOf(error)}`)
        }
        lifecycle.own(`subscriber ${subscription.name}`, startSubscriber({ subscription, logger }))
      }
    },
  }
}
