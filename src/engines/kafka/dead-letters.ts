import type { DeadLetter, Lane } from '../../queue/port.ts'
import type { Cluster, PartitionId } from './cluster.ts'
import { KafkaError } from './failure.ts'
import { EARLIEST, LATEST, offsetsOf, partitionName, purge } from './offsets.ts'
import { deadLetterOf, type FetchedRecord, recordsOf } from './records.ts'

/** The dead letters, read from their topic. */
export interface DeadLetters {
  /** Topic and lane of every dead letter. */
  all(): Promise<readonly { readonly topic: string; readonly lane: Lane }[]>
  /** Newest first, of a topic or of all. */
  newest(topic: string | undefined, limit: number, lane: Lane | undefined): Promise<DeadLetter[]>
  /** Deletes what lies before the oldest dead letter. Throws when the broker refuses that for good. */
  tidy(): Promise<void>
  /** Those of a topic, or of them those with the ids, oldest first, some at a time. */
  chosen(topic: string, ids: readonly string[] | undefined): AsyncGenerator<(DeadLetter & { payloadJson: string })[]>
}

interface Entry {
  readonly topic: string
  readonly lane: Lane
  readonly offset: number
}

const BYTES_MAX = 4 * 1024 * 1024
const CHOSEN_MAX = 200

/**
 * Keeps what is known of each dead letter but its payload, and reads on from where it was: the first look reads the
 * whole topic, later ones what came since.
 */
export function createDeadLetters(cluster: Cluster, topic: string, role: string): DeadLetters {
  const { driver, connections } = cluster
  const id: PartitionId = { topic, partition: 0 }
  /** In order of dying. */
  let known = new Map<string, Entry>()
  let position = 0
  let refreshing: Promise<void> | undefined

  async function fetch(from: number): Promise<{ records: FetchedRecord[]; next: number }> {
    const broker = await cluster.leaderOf(id)
    const asked = { currentLeaderEpoch: -1, fetchOffset: BigInt(from), lastFetchedEpoch: -1 }
    const wanted = [{ topicId: topic, partitions: [{ partition: 0, ...asked, partitionMaxBytes: BYTES_MAX }] }]
    try {
      const api = driver.fetchV12.api
      const response = await connections.call({ role, broker }, api, 100, 1, BYTES_MAX, 0, 0, -1, wanted, [], '')
      return recordsOf(response.responses[0]?.partitions[0]?.records, from)
    } catch (error) {
      if (error instanceof KafkaError && error.is('OFFSET_OUT_OF_RANGE')) {
        // Another process has deleted what lay there.
        const first = (await offsetsOf(cluster, [id], EARLIEST)).get(partitionName(id)) ?? 0
        if (first > from) return await fetch(first)
      }
      cluster.forgetLeaders([topic])
      throw error
    }
  }

  async function refresh(): Promise<void> {
    // It comes with the first dead letter.
    if (position === 0 && !(await cluster.partitionCounts([topic])).has(topic)) return
    const end = (await offsetsOf(cluster, [id], LATEST)).get(partitionName(id)) ?? 0
    const first = (await offsetsOf(cluster, [id], EARLIEST)).get(partitionName(id)) ?? 0
    if (end < position) {
      // The topic was made anew.
      known = new Map()
      position = first
    }
    position = Math.max(position, first)
    // Another process has deleted what lay there.
    for (const [key, { offset }] of known) {
      if (offset >= first) break
      known.delete(key)
    }
    while (position < end) {
      const { records, next } = await fetch(position)
      for (const record of records) {
        known.delete(record.key)
        const letter = record.value === null ? undefined : deadLetterOf(record)
        if (letter !== undefined)
          known.set(letter.id, { topic: letter.topic, lane: letter.lane, offset: record.offset })
      }
      if (next === position) break
      position = next
    }
  }

  async function fresh(): Promise<Map<string, Entry>> {
    // One that is under way may have looked before the caller's last write.
    await refreshing?.catch(() => undefined)
    refreshing ??= refresh().finally(() => {
      refreshing = undefined
    })
    await refreshing
    return known
  }

  /** The letters at these offsets, in order; what was compacted away meanwhile is left out. */
  async function read(entries: readonly Entry[]): Promise<(DeadLetter & { payloadJson: string })[]> {
    const wanted = new Set(entries.map(({ offset }) => offset))
    const found: (DeadLetter & { payloadJson: string })[] = []
    const last = Math.max(...wanted)
    let done = -1
    for (const offset of [...wanted].sort((a, b) => a - b)) {
      if (offset <= done) continue
      const { records, next } = await fetch(offset)
      for (const record of records) {
        const letter = wanted.has(record.offset) && record.offset > done ? deadLetterOf(record) : undefined
        if (letter !== undefined) found.push(letter)
      }
      done = Math.max(done, next - 1)
      if (done >= last) break
    }
    return found
  }

  return {
    async all() {
      return [...(await fresh()).values()]
    },
    async tidy() {
      const left = await fresh()
      const oldest = Array.from(left.values(), ({ offset }) => offset).reduce((a, b) => Math.min(a, b), position)
      if (oldest > 0) await purge(cluster, [{ ...id, offset: oldest }])
    },
    async newest(of, limit, lane) {
      const entries = [...(await fresh()).values()].filter(
        (entry) => (of === undefined || entry.topic === of) && (lane === undefined || entry.lane === lane),
      )
      const newest = entries.slice(Math.max(0, entries.length - limit))
      if (newest.length === 0) return []
      return (await read(newest)).reverse().map(({ payloadJson: _, ...letter }) => letter)
    },
    async *chosen(of, ids) {
      const all = await fresh()
      const names = ids ?? all.keys()
      const entries = Array.from(new Set(names), (name) => all.get(name)).filter((each) => each?.topic === of)
      const sorted = entries.flatMap((each) => each ?? []).sort((a, b) => a.offset - b.offset)
      for (let at = 0; at < sorted.length; at += CHOSEN_MAX) yield await read(sorted.slice(at, at + CHOSEN_MAX))
    },
  }
}
