import type { AsyncMessage, Channel, Connection, ConnectionOptions, Envelope } from 'rabbitmq-client'
import { AppError, messageOf } from '../../core/errors.ts'
import type { Closable } from '../../core/lifecycle.ts'
import { LIMITS } from '../../core/limits.ts'
import type { Logger } from '../../core/logger.ts'
import { loadDriver } from '../driver.ts'
import type { RabbitTarget } from './target.ts'

export type Delivered = AsyncMessage

/** A message on its way to a queue or an exchange; kept by the broker until it is taken. */
export interface Outgoing extends Envelope {
  readonly routingKey: string
  readonly messageId: string
  readonly json: string
}

export type Arguments = Readonly<Record<string, string | number>>

/** A channel on which every call is answered or fails in time. */
export interface RabbitChannel extends Closable {
  readonly isOpen: boolean
  /** Resolves when the channel has ended, for whatever reason. */
  readonly ended: Promise<void>
  /** Makes the queue when it is not there; answers the messages that wait in it. */
  declareQueue(name: string, args: Arguments): Promise<number>
  /** Makes a queue that is gone with this connection. Throws `locked` when another connection has it. */
  declareOwnQueue(name: string): Promise<void>
  declareExchange(name: string, type: 'topic'): Promise<void>
  /** Whether a queue or an exchange is there. When not, the channel has ended. */
  exists(kind: 'queue' | 'exchange', name: string): Promise<boolean>
  deleteQueue(name: string): Promise<void>
  /** Hands out up to `prefetch` messages that are not answered; answers what stops it. */
  consume(queue: string, prefetch: number, take: (message: Delivered) => void): Promise<() => Promise<void>>
  /** Neither waits for the broker: on a channel that has ended, the messages come again anyway. */
  ack(tag: number): void
  putBack(tag: number): void
  /** Sends all at once and waits until the broker has confirmed them; answers those for which there was no queue. */
  publish(messages: readonly Outgoing[]): Promise<Outgoing[]>
}

/**
 * Two connections, however many queues there are: when RabbitMQ has no room left, it stops reading from those that
 * publish, and acknowledgements must not be stuck behind that. Both come back by themselves.
 */
export interface RabbitClient extends Closable {
  /** Throws `unavailable` at once while the broker is away, or takes nothing. */
  openChannel(use: 'publishing' | 'consuming'): Promise<RabbitChannel>
  /** On a channel of its own. */
  withChannel<T>(work: (channel: RabbitChannel) => Promise<T>): Promise<T>
  /** Calls back whenever the consuming connection is there again after it was lost. */
  onReconnect(callback: () => void): void
}

export class LockedError extends Error {
  override readonly name = 'LockedError'
}

const FRAME_BYTES_MAX = 128 * 1024
const RECONNECT_FIRST_MS = 200
const RECONNECT_MAX_MS = 2_000
const RETRY_AFTER_MS = 1_000
const CLOSE_MS_MAX = 2_000

const codeOf = (error: unknown) => (error as { code?: unknown }).code
const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve))

function unavailable(detail: string, cause?: unknown): AppError {
  return new AppError('unavailable', `RabbitMQ: ${detail}`, { retryAfterMs: RETRY_AFTER_MS, cause })
}

async function inTime<T>(what: string, call: Promise<T>, ms: number = LIMITS.rabbitmqCallMsMax): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(unavailable(`no answer to ${what} within ${ms} ms`)), ms)
  })
  try {
    return await Promise.race([call, timeout])
  } catch (error) {
    throw error instanceof AppError ? error : unavailable(`${what} failed: ${messageOf(error)}`, error)
  } finally {
    clearTimeout(timer)
  }
}

/** Opens both connections. Throws `engine_unreachable` with what to do about it, `driver_missing`. */
export async function openRabbit(target: RabbitTarget, logger: Logger): Promise<RabbitClient> {
  const driver = await loadDriver('RabbitMQ', 'rabbitmq-client', () => import('rabbitmq-client'))
  const options: ConnectionOptions = {
    hosts: target.hosts.map(({ host, port }) => `${host}:${port}`),
    username: target.username,
    password: target.password,
    vhost: target.vhost,
    tls: target.isSafe,
    connectionTimeout: LIMITS.rabbitmqCallMsMax,
    acquireTimeout: LIMITS.rabbitmqCallMsMax,
    heartbeat: LIMITS.rabbitmqHeartbeatMs / 1_000,
    frameMax: FRAME_BYTES_MAX,
    retryLow: RECONNECT_FIRST_MS,
    retryHigh: RECONNECT_MAX_MS,
  }
  const open = (use: string) => new driver.Connection({ ...options, connectionName: `fanfold ${use}` })
  const connections = { publishing: open('publishing'), consuming: open('consuming') }
  const both = Object.values(connections)
  for (const connection of both) {
    connection.on('error', (error) => logger.warn({ err: error }, `RabbitMQ: ${messageOf(error)}`))
    connection.on('connection.blocked', (why) => logger.error({}, `RabbitMQ takes no messages: ${why}`))
    connection.on('connection.unblocked', () => logger.info({}, 'RabbitMQ takes messages again'))
  }
  try {
    await Promise.all(both.map((connection) => firstConnect(connection, target)))
  } catch (error) {
    for (const connection of both) connection.unsafeDestroy()
    throw error
  }
  const channels = new Set<RabbitChannel>()
  let isBlocked = false
  connections.publishing.on('connection.blocked', () => {
    isBlocked = true
  })
  const unblock = () => {
    isBlocked = false
  }
  connections.publishing.on('connection.unblocked', unblock)
  connections.publishing.on('error', unblock)

  async function openChannel(use: keyof typeof connections): Promise<RabbitChannel> {
    const connection = connections[use]
    if (isBlocked && use === 'publishing') throw unavailable('it takes no messages: its memory or disk is full')
    if (!connection.ready) throw unavailable(`${target.shown} is not connected`)
    const raw = await inTime('opening a channel', connection.acquire({ emitErrorsFromChannel: true }))
    const channel = await wrap(raw, use === 'publishing', logger)
    channels.add(channel)
    void channel.ended.then(() => channels.delete(channel))
    return channel
  }

  let closing: Promise<void> | undefined
  async function close(): Promise<void> {
    await Promise.all([...channels].map((channel) => channel.close()))
    await Promise.all(
      both.map(async (connection) => {
        await inTime('closing', connection.close(), CLOSE_MS_MAX).catch((error: unknown) =>
          logger.debug({ err: error }, 'a connection to RabbitMQ was cut'),
        )
        connection.unsafeDestroy()
      }),
    )
  }

  return {
    openChannel,
    async withChannel(work) {
      const channel = await openChannel('consuming')
      try {
        return await work(channel)
      } finally {
        await channel.close()
      }
    },
    onReconnect(callback) {
      connections.consuming.on('connection', callback)
    },
    close() {
      closing ??= close()
      return closing
    },
  }
}

function firstConnect(connection: Connection, target: RabbitTarget): Promise<void> {
  return new Promise((resolve, reject) => {
    const problem = (reason: string, cause?: unknown) =>
      reject(new AppError('engine_unreachable', `RabbitMQ (${target.shown}) ${reason}`, { cause }))
    const timer = setTimeout(() => problem('does not answer in time'), LIMITS.rabbitmqCallMsMax)
    connection.once('connection', () => {
      clearTimeout(timer)
      resolve()
    })
    connection.once('error', (error: Error) => {
      clearTimeout(timer)
      problem(refusalOf(error, target), error)
    })
  })
}

function refusalOf(error: Error, { username, vhost }: RabbitTarget): string {
  const code = codeOf(error)
  if (code === 'ACCESS_REFUSED' && /login|auth/i.test(error.message)) {
    return `refuses the user "${username}": check user and password (guest may only come from the broker's own host)`
  }
  if (code === 'NOT_ALLOWED' && /not found/.test(error.message)) {
    return `has no virtual host "${vhost}": make it with  rabbitmqctl add_vhost ${vhost}`
  }
  if (code === 'NOT_ALLOWED' || code === 'ACCESS_REFUSED') {
    return `does not let "${username}" into the virtual host "${vhost}": see  rabbitmqctl set_permissions (${error.message})`
  }
  return `could not be opened: ${error.message}`
}

async function wrap(raw: Channel, isPublishing: boolean, logger: Logger): Promise<RabbitChannel> {
  const ended = new Promise<void>((resolve) => raw.once('close', resolve))
  raw.on('error', (error) => logger.warn({ err: error }, `RabbitMQ: ${messageOf(error)}`))
  const returned = new Set<string>()
  if (isPublishing) {
    raw.on('basic.return', ({ messageId }) => void returned.add(String(messageId)))
    await inTime('confirm.select', raw.confirmSelect())
  }

  async function close(): Promise<void> {
    if (!raw.active) return
    await inTime('closing a channel', raw.close(), CLOSE_MS_MAX).catch((error: unknown) =>
      logger.debug({ err: error }, 'a channel to RabbitMQ was left open'),
    )
  }

  return {
    get isOpen() {
      return raw.active
    },
    ended,
    close,
    async declareQueue(name, args) {
      const params = { queue: name, durable: true, arguments: { ...args } }
      return (await inTime(`declaring ${name}`, raw.queueDeclare(params))).messageCount
    },
    async declareOwnQueue(name) {
      try {
        await inTime(`declaring ${name}`, raw.queueDeclare({ queue: name, exclusive: true }))
      } catch (error) {
        throw codeOf((error as Error).cause ?? {}) === 'RESOURCE_LOCKED' ? new LockedError(messageOf(error)) : error
      }
    },
    declareExchange: (exchange, type) =>
      inTime(`declaring ${exchange}`, raw.exchangeDeclare({ exchange, type, durable: true })),
    async exists(kind, name) {
      try {
        const asked: Promise<unknown> =
          kind === 'queue'
            ? raw.queueDeclare({ queue: name, passive: true })
            : raw.exchangeDeclare({ exchange: name, passive: true })
        await inTime(`looking for ${name}`, asked)
        return true
      } catch (error) {
        if (codeOf((error as Error).cause ?? {}) === 'NOT_FOUND') return false
        throw error
      }
    },
    async deleteQueue(name) {
      await inTime(`deleting ${name}`, raw.queueDelete({ queue: name }))
    },
    async consume(queue, prefetch, take) {
      await inTime('basic.qos', raw.basicQos({ prefetchCount: prefetch }))
      const { consumerTag } = await inTime(`consuming ${queue}`, raw.basicConsume({ queue }, take))
      // The queue was deleted, or its leader is gone.
      raw.on('basic.cancel', () => void close())
      return async () => {
        await inTime('basic.cancel', raw.basicCancel(consumerTag))
        // What came before the answer is handed out in later turns.
        await nextTurn()
      }
    },
    ack(deliveryTag) {
      if (raw.active) raw.basicAck({ deliveryTag })
    },
    putBack(deliveryTag) {
      if (raw.active) raw.basicNack({ deliveryTag, requeue: true })
    },
    async publish(messages) {
      const sending = messages.map(({ json, ...envelope }) =>
        raw.basicPublish({ ...envelope, durable: true, contentType: 'application/json' }, Buffer.from(json)),
      )
      const settled = await inTime('publishing', Promise.allSettled(sending))
      const failure = settled.find((each) => each.status === 'rejected')
      if (failure !== undefined) throw unavailable(`publishing failed: ${messageOf(failure.reason)}`, failure.reason)
      // The driver tells what came back in a later turn than the confirmation behind it.
      await nextTurn()
      return messages.filter(({ messageId }) => returned.delete(messageId))
    },
  }
}
