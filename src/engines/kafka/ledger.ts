import { LIMITS } from '../../core/limits.ts'
import { encodeProgress, type Progress } from './progress.ts'
import type { QueueRecord } from './records.ts'

/** One partition as its holder sees it: what was fetched, is under way, and is done. Without effects. */
export interface Ledger {
  readonly topic: string
  readonly partition: number
  /** The offset to fetch from. */
  readonly position: number
  /** The offset behind the last message that is known of: fetched, or done by who held it before. */
  readonly end: number
  /** A fetch pays off. */
  readonly hasRoom: boolean
  /** Messages under way. */
  readonly taken: number
  /** Somebody else holds the partition: nothing that is done here counts any more. */
  isLost: boolean
  /** It is given up: nothing more is fetched or taken. */
  isClosing: boolean
  /** What a fetch brought, up to `position`; what has no room in the window is left to be fetched again. */
  add(records: readonly QueueRecord[], position: number): void
  /** The offset before which nothing is kept any more has gone beyond our position. */
  skipTo(position: number): void
  /** Up to `max` messages that are due and whose keys have nothing under way, in order. */
  take(max: number, now: number): QueueRecord[]
  /** When the next message is due that only waits for its time. */
  nextDueAt(): number | undefined
  finish(offset: number): void
  /** Nobody works on it any more, and it is not done. */
  putBack(offset: number): QueueRecord | undefined
  /** What was fetched and is not under way, due or not; it is under way from here on. */
  takeRest(): QueueRecord[]
  /** What is to be committed, if that has changed. `settle` with it once it is. */
  toCommit(): { readonly offset: number; readonly metadata: string } | undefined
  settle(committed: { readonly offset: number; readonly metadata: string }): void
  /** The last commit says that it was given back. */
  release(): void
}

interface Entry {
  readonly record: QueueRecord
  isTaken: boolean
}

/** `isOrdered`: messages of one key are under way one after the other. */
export function createLedger(topic: string, partition: number, start: Progress, isOrdered: boolean): Ledger {
  const crashes = start.isHeld ? start.crashes + 1 : start.crashes
  const done = new Set(start.done)
  const startEnd = start.done.reduce((most, each) => Math.max(most, each + 1), start.offset)
  /** What is not done, in order of offsets. */
  const open = new Map<number, Entry>()
  const busyKeys = new Set<string>()
  let position = start.offset
  let added = 0
  let bytes = 0
  let taken = 0
  let isHeld = true
  let waiting = 0
  let committed = ''
  /** No message is due before, as far as was seen. */
  let quietUntil = 0

  function firstOpen(): number {
    const [first] = open.keys()
    if (first !== undefined) return first
    let offset = position
    while (done.has(offset)) offset += 1
    return offset
  }

  function remove(offset: number, entry: Entry): void {
    open.delete(offset)
    bytes -= entry.record.bytes
    if (entry.isTaken) {
      taken -= 1
      busyKeys.delete(entry.record.key)
      quietUntil = 0
    } else {
      waiting -= 1
    }
  }

  return {
    topic,
    partition,
    isLost: false,
    isClosing: false,
    get position() {
      return position
    },
    get end() {
      return Math.max(position, startEnd)
    },
    get hasRoom() {
      // Half of it: a fetch brings many, and those without room for nothing.
      return position - firstOpen() <= LIMITS.kafkaWindowRecords / 2 && bytes < LIMITS.kafkaBufferBytesMax
    },
    get taken() {
      return taken
    },
    add(records, next) {
      const end = Math.min(next, firstOpen() + LIMITS.kafkaWindowRecords)
      for (const record of records) {
        if (record.offset < position || record.offset >= end || done.has(record.offset)) continue
        // Who died worked on the first messages, if on any of these: their tries count.
        const wasTried = crashes > 0 && added < LIMITS.queueClaimMax
        open.set(record.offset, {
          record: wasTried ? { ...record, attempt: record.attempt + crashes } : record,
          isTaken: false,
        })
        added += 1
        waiting += 1
        bytes += record.bytes
      }
      position = Math.max(position, end)
      quietUntil = 0
    },
    skipTo(next) {
      position = Math.max(position, next)
    },
    take(max, now) {
      const found: QueueRecord[] = []
      if (waiting === 0 || now < quietUntil) return found
      let nextDue = Number.POSITIVE_INFINITY
      for (const entry of open.values()) {
        if (found.length >= max) return found
        if (entry.isTaken) continue
        const { record } = entry
        if (record.notBefore > now) {
          nextDue = Math.min(nextDue, record.notBefore)
        } else if (!isOrdered || !busyKeys.has(record.key)) {
          entry.isTaken = true
          if (isOrdered) busyKeys.add(record.key)
          waiting -= 1
          taken += 1
          found.push(record)
        }
      }
      quietUntil = nextDue
      return found
    },
    nextDueAt: () => (waiting > 0 && quietUntil > 0 && Number.isFinite(quietUntil) ? quietUntil : undefined),
    finish(offset) {
      const entry = open.get(offset)
      if (entry === undefined) return
      remove(offset, entry)
      done.add(offset)
    },
    putBack(offset) {
      const entry = open.get(offset)
      if (entry === undefined || !entry.isTaken) return undefined
      entry.isTaken = false
      taken -= 1
      waiting += 1
      busyKeys.delete(entry.record.key)
      quietUntil = 0
      return entry.record
    },
    takeRest() {
      const rest = [...open.values()].filter(({ isTaken }) => !isTaken)
      for (const entry of rest) entry.isTaken = true
      waiting -= rest.length
      taken += rest.length
      return rest.map(({ record }) => record)
    },
    toCommit() {
      const offset = firstOpen()
      // What others have done already is not fetched, as it is forgotten here.
      position = Math.max(position, offset)
      for (const each of done) if (each < offset) done.delete(each)
      const moved = offset > start.offset
      const metadata = encodeProgress({ offset, done: [...done], crashes: moved ? 0 : crashes, isHeld })
      return `${offset} ${metadata}` === committed ? undefined : { offset, metadata }
    },
    settle({ offset, metadata }) {
      committed = `${offset} ${metadata}`
    },
    release() {
      isHeld = false
    },
  }
}
