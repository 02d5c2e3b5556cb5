import type * as Driver from '@platformatic/kafka'
import type { Closable } from '../../core/lifecycle.ts'
import { LIMITS } from '../../core/limits.ts'
import type { Address } from '../url.ts'
import { KafkaError, kafkaError } from './failure.ts'
import type { KafkaTarget } from './target.ts'

export type KafkaDriver = typeof Driver
type Api<Args extends unknown[], Result> = Driver.API<Args, Result>

/**
 * One connection for each broker and role. A broker answers the requests of one connection in order, so what waits
 * there (joining a group, a fetch that waits for messages) must have a connection of its own.
 */
export interface Connections extends Closable {
  /** One request and its answer. The connection is given up when the answer takes longer. Throws {@link KafkaError}. */
  call<Args extends unknown[], Result>(
    to: { readonly role: string; readonly broker: Address; readonly timeoutMs?: number },
    api: Api<Args, Result>,
    ...args: Args
  ): Promise<Result>
  /** Closes the connections of a role; what waits for an answer there fails. */
  drop(role: string): void
}

export function createConnections(driver: KafkaDriver, target: KafkaTarget, clientId: string): Connections {
  const opened = new Map<string, Promise<Driver.Connection>>()
  let isClosed = false

  async function connect(key: string, { host, port }: Address): Promise<Driver.Connection> {
    const connection = new driver.Connection(clientId, {
      connectTimeout: LIMITS.kafkaRequestMsMax,
      ...(target.isSafe ? { tls: { host }, tlsServerName: true } : {}),
      ...(target.sasl === undefined ? {} : { sasl: target.sasl }),
    })
    const forget = () => void opened.delete(key)
    // Without a listener an error that comes later would end the process.
    connection.on('error', forget)
    connection.once('close', forget)
    try {
      await within(Promise.resolve(connection.connect(host, port)), 2 * LIMITS.kafkaRequestMsMax, () =>
        connection.socket?.destroy(),
      )
    } catch (error) {
      forget()
      connection.socket?.destroy()
      throw kafkaError(error, `Kafka at ${host}:${port}`, false)
    }
    if (isClosed) connection.socket.destroy()
    return connection
  }

  function connected(role: string, broker: Address): Promise<Driver.Connection> {
    if (isClosed) throw new KafkaError('the connection to Kafka is closed', 'EKAFKA', ['CLOSED'])
    const key = `${role} ${broker.host}:${broker.port}`
    let connection = opened.get(key)
    if (connection === undefined) {
      connection = connect(key, broker)
      opened.set(key, connection)
    }
    return connection
  }

  const destroy = (connection: Promise<Driver.Connection>) =>
    connection.then(
      ({ socket }) => void socket.destroy(),
      () => undefined,
    )

  return {
    async call({ role, broker, timeoutMs = LIMITS.kafkaRequestMsMax }, api, ...args) {
      const connection = await connected(role, broker)
      try {
        return await within(api.async(connection, ...args), timeoutMs, () => connection.socket.destroy())
      } catch (error) {
        throw kafkaError(error, `Kafka at ${broker.host}:${broker.port}`, true)
      }
    },
    drop(role) {
      for (const [key, connection] of opened) {
        if (!key.startsWith(`${role} `)) continue
        opened.delete(key)
        void destroy(connection)
      }
    },
    async close() {
      isClosed = true
      await Promise.all([...opened.values()].map(destroy))
      opened.clear()
    },
  }
}

async function within<T>(work: Promise<T>, ms: number, giveUp: () => void): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new KafkaError(`no answer within ${ms} ms`, 'ETIMEDOUT', ['NETWORK']))
      giveUp()
    }, ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
