import type { Closable } from '../../core/lifecycle.ts'
import { LIMITS } from '../../core/limits.ts'
import { backoffMs, retry } from '../../core/retry.ts'
import type { Cluster } from './cluster.ts'
import { isPassing, isPassingId, KafkaError, PATIENCE } from './failure.ts'

export interface OutgoingRecord {
  readonly topic: string
  readonly partition: number
  readonly key: string
  /** Null takes back what the key stood for in a compacted topic; it is written as an empty value. */
  readonly value: string | null
  readonly headers: Readonly<Record<string, string>>
}

export interface Producer extends Closable {
  /**
   * Stores the records in all copies in sync; those of a partition in the order given. A throw means that any of them
   * may or may not be stored. Calls that come while others are under way go out together.
   */
  send(records: readonly OutgoingRecord[]): Promise<void>
}

interface Batch {
  readonly topic: string
  readonly partition: number
  readonly records: readonly OutgoingRecord[]
}

interface Answer {
  readonly topic: string
  readonly partition: number
  /** `NONE` when it is stored. */
  readonly id: string
}

const ALL_IN_SYNC = -1
const RECORD_OVERHEAD_BYTES = 100
const REST = { firstMs: 50, maxMs: 1_000 }
/** The broker has no memory of what this producer sent before: it begins anew, under a new id. */
const FORGOTTEN = ['OUT_OF_ORDER_SEQUENCE_NUMBER', 'UNKNOWN_PRODUCER_ID', 'INVALID_PRODUCER_EPOCH', 'PRODUCER_FENCED']

/**
 * An idempotent producer: a batch is sent again under its number until the broker has answered, so a lost answer stores
 * nothing twice, and order holds. The driver's own producer counts its numbers for all leaders of a call together,
 * which repeats numbers (and the broker drops such batches silently) once one leader of several has failed.
 */
export function createProducer(cluster: Cluster, role: string): Producer {
  const { driver, connections } = cluster
  const names = new Map(Object.entries(driver.protocolErrors).map(([id, { code }]) => [code, id]))
  let waiting: { records: readonly OutgoingRecord[]; resolve: () => void; reject: (error: unknown) => void }[] = []
  let running: Promise<void> | undefined
  let identity: Identity | undefined

  interface Identity {
    readonly id: bigint
    readonly epoch: number
    /** The number of the next record, by partition. */
    readonly sequences: InstanceType<typeof driver.NumericMap>
  }

  async function identify(): Promise<Identity> {
    if (identity === undefined) {
      const { producerId, producerEpoch } = await retry(PATIENCE, () =>
        cluster.ask(driver.initProducerIdV4.api, null, LIMITS.kafkaRequestMsMax, -1n, -1),
      )
      identity = { id: producerId, epoch: producerEpoch, sequences: new driver.NumericMap() }
    }
    return identity
  }

  /** One request to one leader; answers for each batch what became of it. */
  async function produce({ id, epoch, sequences }: Identity, batches: readonly Batch[]): Promise<Answer[]> {
    const broker = await cluster.leaderOf(batches[0]!)
    const records = batches.flatMap((batch) => batch.records.map((record) => encoded(record)))
    const options = { producerId: id, producerEpoch: epoch, sequences }
    let response: unknown
    try {
      response = await connections.call(
        { role, broker, timeoutMs: 2 * LIMITS.kafkaRequestMsMax },
        driver.produceV9.api,
        ALL_IN_SYNC,
        LIMITS.kafkaRequestMsMax,
        records,
        options,
      )
    } catch (error) {
      if (!(error instanceof KafkaError) || error.response === undefined) throw error
      response = error.response
    }
    const { responses } = response as { responses: readonly ProduceResponse[] }
    return responses.flatMap(({ name, partitionResponses }) =>
      partitionResponses.map(({ index, errorCode }) => {
        return { topic: name, partition: index, id: errorCode === 0 ? 'NONE' : (names.get(errorCode) ?? 'UNKNOWN') }
      }),
    )
  }

  async function byLeader(batches: readonly Batch[]): Promise<Batch[][]> {
    const groups = new Map<number, Batch[]>()
    for (const batch of batches) {
      const { id } = await cluster.leaderOf(batch)
      groups.set(id, [...(groups.get(id) ?? []), batch])
    }
    return [...groups.values()]
  }

  /** Sends at most one batch of each partition until all are stored. */
  async function store(batches: readonly Batch[]): Promise<void> {
    const deadline = Date.now() + LIMITS.kafkaSendMsMax
    let left = batches
    for (let tries = 1; left.length > 0; tries++) {
      let problem: unknown
      const failed: Batch[] = []
      const attempt = async (self: Identity, some: readonly Batch[]) => {
        try {
          const answers = new Map((await produce(self, some)).map((answer) => [nameOf(answer), answer.id]))
          for (const batch of some) {
            const id = answers.get(nameOf(batch)) ?? 'UNKNOWN'
            if (id === 'NONE' || id === 'DUPLICATE_SEQUENCE_NUMBER') {
              self.sequences.postIncrement(nameOf(batch), batch.records.length, 0)
              continue
            }
            failed.push(batch)
            const canPass = isPassingId(id) || FORGOTTEN.includes(id)
            const failure = new KafkaError(`${nameOf(batch)}: ${id}`, canPass ? 'ETIMEDOUT' : 'EKAFKA', [id])
            if (problem === undefined || !canPass) problem = failure
          }
        } catch (error) {
          failed.push(...some)
          problem ??= error
        }
      }
      try {
        const self = await identify()
        await Promise.all((await byLeader(left)).map((some) => attempt(self, some)))
      } catch (error) {
        failed.push(...left)
        problem = error
      }
      left = failed
      if (left.length === 0) return
      // Before giving up too: who sends next must not ask the same broker that is silent.
      cluster.forgetLeaders(left.map(({ topic }) => topic))
      if (!isPassing(problem) || Date.now() >= deadline || isAway(problem, tries)) throw problem
      if (problem.is(...FORGOTTEN)) identity = undefined
      await new Promise((resolve) => setTimeout(resolve, backoffMs(tries, REST)))
    }
  }

  async function flush(records: readonly OutgoingRecord[]): Promise<void> {
    const queues = batchesOf(records)
    try {
      while (queues.length > 0) {
        await store(queues.map((batches) => batches.shift()!))
        for (let i = queues.length - 1; i >= 0; i--) if (queues[i]!.length === 0) queues.splice(i, 1)
      }
    } catch (error) {
      // Whether the last number was used is not known.
      identity = undefined
      throw error
    }
  }

  async function run(): Promise<void> {
    while (waiting.length > 0) {
      const entries = waiting
      waiting = []
      try {
        await flush(entries.flatMap((entry) => entry.records))
        for (const entry of entries) entry.resolve()
      } catch (error) {
        for (const entry of entries) entry.reject(error)
      }
    }
    running = undefined
  }

  return {
    send(records) {
      if (records.length === 0) return Promise.resolve()
      return new Promise((resolve, reject) => {
        waiting.push({ records, resolve, reject })
        running ??= run()
      })
    },
    async close() {
      await running
      connections.drop(role)
    },
  }
}

interface ProduceResponse {
  readonly name: string
  readonly partitionResponses: readonly { readonly index: number; readonly errorCode: number }[]
}

const nameOf = ({ topic, partition }: { readonly topic: string; readonly partition: number }) => `${topic}:${partition}`

/** When nobody listens, callers hear so soon: they keep what they have and come again. */
const isAway = (problem: KafkaError, tries: number) => problem.code === 'ECONNREFUSED' && tries >= 4

function encoded({ topic, partition, key, value, headers }: OutgoingRecord) {
  const record = {
    topic,
    partition,
    key: Buffer.from(key),
    value: Buffer.from(value ?? ''),
    headers: new Map(Object.entries(headers).map(([name, text]) => [Buffer.from(name), Buffer.from(text)])),
  }
  return record
}

/** For each partition its batches, in order, none larger than a broker takes. */
export function batchesOf(records: readonly OutgoingRecord[]): Batch[][] {
  const queues = new Map<string, { batches: Batch[]; bytes: number }>()
  for (const record of records) {
    const bytes =
      Buffer.byteLength(record.value ?? '') +
      Buffer.byteLength(record.key) +
      RECORD_OVERHEAD_BYTES +
      Object.entries(record.headers).reduce((sum, [name, text]) => sum + name.length + Buffer.byteLength(text), 0)
    const queue = queues.get(nameOf(record)) ?? { batches: [], bytes: 0 }
    queues.set(nameOf(record), queue)
    const last = queue.batches.at(-1)
    if (last === undefined || queue.bytes + bytes > LIMITS.kafkaBatchBytesMax) {
      queue.batches.push({ topic: record.topic, partition: record.partition, records: [record] })
      queue.bytes = bytes
    } else {
      ;(last.records as OutgoingRecord[]).push(record)
      queue.bytes += bytes
    }
  }
  return [...queues.values()].map(({ batches }) => batches)
}
