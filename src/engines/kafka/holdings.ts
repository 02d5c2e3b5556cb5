import type { Clock } from '../../core/clock.ts'
import { messageOf } from '../../core/errors.ts'
import type { Closable } from '../../core/lifecycle.ts'
import { LIMITS } from '../../core/limits.ts'
import type { Logger } from '../../core/logger.ts'
import { retry } from '../../core/retry.ts'
import type { Assignment } from './assignor.ts'
import type { Cluster, PartitionId } from './cluster.ts'
import { KafkaError, PATIENCE } from './failure.ts'
import { createLedger, type Ledger } from './ledger.ts'
import { joinGroup, type Member } from './member.ts'
import { byTopic, committedOf, EARLIEST, offsetsOf, partitionName, purge } from './offsets.ts'
import { decodeProgress } from './progress.ts'

export interface HoldingsOptions {
  readonly cluster: Cluster
  readonly group: string
  readonly topics: readonly string[]
  /** The topics of which messages of one key are handed out one after the other. */
  readonly isOrdered: (topic: string) => boolean
  readonly logger: Logger
  readonly clock: Clock
  readonly sessionMs?: number | undefined
  /** Something may be fetched or taken that could not be before. */
  readonly onChange: () => void
}

/** The partitions that this process holds of a group, and their commits. */
export interface Holdings extends Closable {
  /** Those from which may be taken. */
  readonly open: readonly Ledger[]
  /** Commits what is done. Resolves when it is committed, or when others hold the partitions. */
  commit(): Promise<void>
  /** A message under way has ended, or was put back: a partition that is given up may be free now. */
  settled(ledger: Ledger): void
  /**
   * What the ledger knows of is gone from the partition, and others may have its numbers: it is read from `first` on, as
   * if nothing of it were done.
   */
  restart(ledger: Ledger, first: number): Promise<void>
  /** Gives partitions away as soon as nothing in them is under way. */
  leaveSlowly(): void
}

export function createHoldings(options: HoldingsOptions): Holdings {
  const { cluster, group, logger, clock } = options
  const held = new Map<string, Ledger>()
  const givenUp = new Map<Ledger, NodeJS.Timeout>()
  const purged = new Map<string, number>()
  let purgedAt = clock.now()
  let running: Promise<void> | undefined
  let next: Promise<void> | undefined
  let isClosed = false

  const owned = (): Assignment => Object.fromEntries(byTopic([...held.values()]))

  function lose(ledger: Ledger): void {
    ledger.isLost = true
    if (held.get(partitionName(ledger)) === ledger) held.delete(partitionName(ledger))
    clearTimeout(givenUp.get(ledger))
    givenUp.delete(ledger)
  }

  /** The last commit of a partition, and then it is free. */
  async function release(ledgers: readonly Ledger[]): Promise<void> {
    for (const ledger of ledgers) ledger.release()
    try {
      await commit()
    } catch (error) {
      logger.warn({ err: error, group }, `Kafka: partitions of ${group} were given back late: ${messageOf(error)}`)
    }
    for (const ledger of ledgers) lose(ledger)
    if (!isClosed) member.rejoin()
  }

  function giveUp(ledgers: readonly Ledger[]): void {
    const idle: Ledger[] = []
    for (const ledger of ledgers) {
      if (ledger.isClosing) continue
      ledger.isClosing = true
      if (ledger.taken === 0) idle.push(ledger)
      else
        givenUp.set(
          ledger,
          setTimeout(() => void release([ledger]), LIMITS.kafkaRevokeMs),
        )
    }
    if (idle.length > 0) void release(idle)
  }

  async function onAssigned(assignment: Assignment): Promise<void> {
    const wanted = new Map<string, PartitionId>()
    for (const [topic, partitions] of Object.entries(assignment)) {
      for (const partition of partitions) wanted.set(`${topic}/${partition}`, { topic, partition })
    }
    const gone: Ledger[] = []
    for (const [name, ledger] of held) {
      if (!wanted.has(name)) gone.push(ledger)
      // What is on its way out goes all the way: it may be committed as given back already.
      else if (!ledger.isClosing) wanted.delete(name)
    }
    const fresh = [...wanted].filter(([name]) => !held.has(name)).map(([, id]) => id)
    giveUp(gone)
    if (fresh.length === 0) return
    const committed = await committedOf(cluster, group, fresh)
    const without = committed.filter(({ offset }) => offset < 0)
    const first = without.length === 0 ? new Map<string, number>() : await offsetsOf(cluster, without, EARLIEST)
    for (const { topic, partition, offset, metadata } of committed) {
      const name = `${topic}/${partition}`
      const progress = decodeProgress(offset < 0 ? (first.get(name) ?? 0) : offset, metadata)
      held.set(name, createLedger(topic, partition, progress, options.isOrdered(topic)))
    }
    await commit()
    options.onChange()
  }

  function onLost(): void {
    for (const ledger of [...held.values()]) lose(ledger)
  }

  async function commitOnce(): Promise<void> {
    // A coordinator refuses commits while the group comes to an agreement.
    const tries = { tries: 12, backoff: { firstMs: 50, maxMs: 1_000 }, clock }
    const isWorthIt = (error: unknown) =>
      PATIENCE.retryable(error) ||
      (error instanceof KafkaError && error.is('REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION'))
    await retry({ ...tries, retryable: isWorthIt }, async () => {
      const { membership } = member
      const dirty = [...held.values()].flatMap((ledger) => {
        const wanted = ledger.toCommit()
        return wanted === undefined ? [] : [{ ledger, wanted }]
      })
      if (dirty.length === 0 || membership === undefined) return
      const topics = byTopic(dirty.map(({ ledger }) => ledger)).map(([name, partitions]) => ({
        name,
        partitions: partitions.map((partition) => {
          const { wanted } = dirty.find(({ ledger }) => ledger.topic === name && ledger.partition === partition)!
          return {
            partitionIndex: partition,
            committedOffset: BigInt(wanted.offset),
            committedLeaderEpoch: -1,
            committedMetadata: wanted.metadata,
          }
        }),
      }))
      const { memberId, generation } = membership
      try {
        await cluster.askCoordinator(
          group,
          {},
          cluster.driver.offsetCommitV8.api,
          group,
          generation,
          memberId,
          null,
          topics,
        )
      } catch (error) {
        // The member notices by itself, and then nothing of it counts.
        if (error instanceof KafkaError && error.is('UNKNOWN_MEMBER_ID')) return
        throw error
      }
      for (const { ledger, wanted } of dirty) ledger.settle(wanted)
      purgeNowAndThen(dirty.map(({ ledger, wanted: { offset } }) => ({ ...idOf(ledger), offset })))
    })
  }

  function purgeNowAndThen(committed: readonly (PartitionId & { readonly offset: number })[]): void {
    for (const id of committed) purged.set(partitionName(id), id.offset)
    if (clock.now() - purgedAt < LIMITS.kafkaPurgeMs) return
    purgedAt = clock.now()
    const due = [...held.values()].flatMap((ledger) => {
      const offset = purged.get(partitionName(ledger))
      return offset === undefined || offset === 0 ? [] : [{ ...idOf(ledger), offset }]
    })
    purged.clear()
    void purge(cluster, due).catch((error: unknown) =>
      logger.warn({ err: error, group }, `Kafka: handled messages could not be deleted: ${messageOf(error)}`),
    )
  }

  /** All calls that come while one is under way share the next. */
  function commit(): Promise<void> {
    next ??= (async () => {
      await running?.catch(() => undefined)
      running = next
      next = undefined
      await commitOnce()
    })()
    return next
  }

  const member: Member = joinGroup({
    cluster,
    group,
    topics: options.topics,
    logger,
    owned,
    onAssigned,
    onLost,
    ...(options.sessionMs === undefined ? {} : { sessionMs: options.sessionMs }),
  })

  return {
    get open() {
      return [...held.values()].filter((ledger) => !ledger.isClosing)
    },
    commit,
    settled(ledger) {
      if (ledger.taken > 0 || !givenUp.has(ledger)) return
      clearTimeout(givenUp.get(ledger))
      givenUp.delete(ledger)
      void release([ledger])
    },
    async restart(ledger, first) {
      const { topic, partition } = ledger
      // What is given up is restarted by its next holder.
      if (held.get(partitionName(ledger)) !== ledger || ledger.isClosing) return
      const start = { offset: first, done: [], crashes: 0, isHeld: false }
      held.set(partitionName(ledger), createLedger(topic, partition, start, options.isOrdered(topic)))
      await commit()
      options.onChange()
    },
    leaveSlowly() {
      giveUp([...held.values()])
      member.leaveSlowly()
    },
    async close() {
      isClosed = true
      for (const timer of givenUp.values()) clearTimeout(timer)
      const all = [...held.values()]
      for (const ledger of all) ledger.isClosing = true
      if (all.length > 0) await release(all)
      await member.close()
    },
  }
}

const idOf = ({ topic, partition }: Ledger): PartitionId => ({ topic, partition })
