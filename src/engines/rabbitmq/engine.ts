import { AppError } from '../../core/errors.ts'
import type { Queue } from '../../queue/port.ts'
import { createQueue, type QueueOptions } from '../../queue/queue.ts'
import type { Engine, EngineContext, PortContext } from '../engine.ts'
import type { Migration } from '../sql/migrate.ts'
import { openRabbit, type RabbitClient } from './client.ts'
import { openEventPublisher } from './event-publisher.ts'
import { type Greeting, greetingOf } from './greeting.ts'
import { PLAIN_ARGUMENTS, topicsQueueOf } from './names.ts'
import { openQueueTransport } from './queue-transport.ts'
import { type RabbitTarget, targetOf } from './target.ts'

/** Quorum queues move on what has waited, with confirmation, from here on. */
const OLDEST_VERSION = [3, 10] as const

/**
 * `amqp://user:password@host:port,host:port/vhost`, `amqps:` for TLS; `?prefix=` begins the name of every queue. Throws
 * `engine_unreachable`, `engine_unsupported` for an old version, `invalid_config`, `driver_missing`.
 */
export async function openRabbitmqEngine(url: URL, context: EngineContext): Promise<Engine> {
  const target = targetOf(url)
  const greeted = await greetingOf(target)
  checkServer(greeted, target)
  // The first to be tried must be one that is up: what it answers to user and password counts.
  const hosts = [greeted.host, ...target.hosts.filter((each) => each !== greeted.host)]
  const client = await openRabbit({ ...target, hosts }, context.logger)
  return {
    name: 'rabbitmq',
    url: target.shown,
    ports: {
      queue: async (port) => openRabbitQueue(client, target, port),
      events: async () => openEventPublisher(client, target.eventsExchange),
    },
    async version() {
      const { product, version } = await greetingOf(target)
      return `${product} ${version}`
    },
    async migrate({ dryRun = false } = {}) {
      const pending = await pendingSteps(client, target)
      if (!dryRun && pending.length > 0) {
        await client.withChannel(async (channel) => {
          await channel.declareQueue(topicsQueueOf(target.prefix), PLAIN_ARGUMENTS)
          await channel.declareExchange(target.eventsExchange, 'topic')
        })
      }
      return { pending, applied: !dryRun, version: dryRun && pending.length > 0 ? 0 : 1 }
    },
    pendingMigrations: async () => (await pendingSteps(client, target)).length,
    close: () => client.close(),
  }
}

/** Throws `engine_unsupported`. */
export function checkServer({ product, version }: Greeting, { shown }: Pick<RabbitTarget, 'shown'>): void {
  if (product !== 'RabbitMQ') throw new AppError('engine_unsupported', `${shown} is ${product}, not RabbitMQ`)
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major < OLDEST_VERSION[0] || (major === OLDEST_VERSION[0] && minor < OLDEST_VERSION[1])) {
    const needed = OLDEST_VERSION.join('.')
    throw new AppError('engine_unsupported', `${shown} is RabbitMQ ${version}; ${needed} is needed: update the broker`)
  }
}

/** What does not depend on topics; those get their queues when they are first used. */
async function pendingSteps(client: RabbitClient, target: RabbitTarget): Promise<Migration[]> {
  const topics = topicsQueueOf(target.prefix)
  const isThere =
    (await client.withChannel((channel) => channel.exists('queue', topics))) &&
    (await client.withChannel((channel) => channel.exists('exchange', target.eventsExchange)))
  const words = `declare the quorum queue ${topics} and the topic exchange ${target.eventsExchange}`
  return isThere ? [] : [{ version: 1, name: 'topics_and_events', sql: words }]
}

export function openRabbitQueue(
  client: RabbitClient,
  { prefix }: Pick<RabbitTarget, 'prefix'>,
  context: PortContext,
  options: QueueOptions = {},
): Queue {
  return createQueue(openQueueTransport(client, prefix, context), context, options)
}
