import { messageOf } from '../../core/errors.ts'
import type { Closable } from '../../core/lifecycle.ts'
import { LIMITS } from '../../core/limits.ts'
import type { Logger } from '../../core/logger.ts'
import { type Assignment, assign, type GroupMember } from './assignor.ts'
import type { Cluster } from './cluster.ts'
import { KafkaError } from './failure.ts'
import { decodeAssignment, decodeMember, encodeAssignment, encodeMember } from './member-bytes.ts'

export interface MemberOptions {
  readonly cluster: Cluster
  readonly group: string
  readonly topics: readonly string[]
  readonly logger: Logger
  /** What is held now, or still being finished. */
  readonly owned: () => Assignment
  /** What this process is to hold from now on; what it must give away it finishes, and then calls `rejoin`. */
  readonly onAssigned: (assignment: Assignment) => Promise<void>
  /** The group went on without us: others hold what was ours. */
  readonly onLost: () => void
  readonly sessionMs?: number
}

/** What proves to the coordinator that a commit is of a member. */
export interface Membership {
  readonly memberId: string
  readonly generation: number
}

export interface Member extends Closable {
  readonly membership: Membership | undefined
  /** Joins again soon, as what is held or wanted has changed. */
  rejoin(): void
  /** Gives away what it has, and takes nothing any more. */
  leaveSlowly(): void
}

const PROTOCOL_TYPE = 'consumer'
const PROTOCOL = 'fanfold-1'
const ERROR_REST_MS = 500
const COUNTS_MS = 60_000

/**
 * A member of a consumer group, by Kafka's classic protocol (which brokers from 2.x to 4.x speak). Partitions move one
 * by one, as in KIP-429: joining interrupts no work on what stays.
 */
export function joinGroup(options: MemberOptions): Member {
  const { cluster, group, topics, logger } = options
  const { driver, connections } = cluster
  const sessionMs = options.sessionMs ?? LIMITS.kafkaSessionMs
  const role = `group ${group} ${Math.random()}`
  let memberId = ''
  let generation = -1
  let isJoined = false
  let isLeaving = false
  let isStopped = false
  let wantsJoin = false
  let wake: (() => void) | undefined
  let counts = ''
  let isLeader = false

  const rest = (ms: number) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })

  function lost(): void {
    memberId = ''
    generation = -1
    isJoined = false
    options.onLost()
  }

  async function join(): Promise<void> {
    wantsJoin = false
    const self = { owned: options.owned(), generation, isLeaving }
    const protocols = [{ name: PROTOCOL, metadata: encodeMember(topics, self) }]
    const ask = () =>
      cluster.askCoordinator(
        group,
        { role, timeoutMs: LIMITS.kafkaRebalanceMs + LIMITS.kafkaRequestMsMax },
        driver.joinGroupV9.api,
        ...([group, sessionMs, LIMITS.kafkaRebalanceMs, memberId, null, PROTOCOL_TYPE, protocols, null] as const),
      )
    const joined = await ask().catch((error: unknown) => {
      if (!(error instanceof KafkaError && error.is('MEMBER_ID_REQUIRED'))) throw error
      memberId = (error.response as { memberId: string }).memberId
      return ask()
    })
    memberId = joined.memberId ?? memberId
    isLeader = joined.leader === memberId
    const shares = isLeader ? await divide(joined.members ?? []) : []
    const synced = await cluster.askCoordinator(
      group,
      { role, timeoutMs: LIMITS.kafkaRebalanceMs + LIMITS.kafkaRequestMsMax },
      driver.syncGroupV5.api,
      ...([group, joined.generationId, memberId, null, PROTOCOL_TYPE, PROTOCOL, shares] as const),
    )
    generation = joined.generationId
    isJoined = true
    await options.onAssigned(decodeAssignment(synced.assignment))
  }

  async function divide(members: readonly { memberId: string; metadata?: Buffer | null | undefined }[]) {
    const found = await cluster.partitionCounts(topics)
    counts = JSON.stringify([...found])
    const all = members.map(({ memberId: id, metadata }): GroupMember => ({ id, ...decodeMember(metadata) }))
    return Array.from(assign(all, found), ([id, share]) => ({ memberId: id, assignment: encodeAssignment(share) }))
  }

  /** Returns when it is time to join again. */
  async function stay(): Promise<void> {
    let heardAt = Date.now()
    let countedAt = heardAt
    while (!isStopped && !wantsJoin) {
      await rest(LIMITS.kafkaHeartbeatMs)
      if (isStopped || wantsJoin) return
      try {
        await cluster.askCoordinator(group, { role }, driver.heartbeatV4.api, group, generation, memberId, null)
        heardAt = Date.now()
        if (isLeader && heardAt - countedAt > COUNTS_MS) {
          countedAt = heardAt
          if (JSON.stringify([...(await cluster.partitionCounts(topics))]) !== counts) return
        }
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error
        if (error.is('REBALANCE_IN_PROGRESS')) return
        if (error.is('UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION', 'FENCED_INSTANCE_ID')) return lost()
        if (Date.now() - heardAt > sessionMs) throw error
      }
    }
  }

  async function run(): Promise<void> {
    while (!isStopped) {
      try {
        await join()
        await stay()
      } catch (error) {
        if (isStopped) return
        if (error instanceof KafkaError && error.is('REBALANCE_IN_PROGRESS')) continue
        const isUnknown = error instanceof KafkaError && error.is('UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION')
        // Others may hold what was ours by now. What is under way goes on, and is not counted as done.
        lost()
        if (isUnknown) continue
        logger.warn({ err: error, group }, `Kafka: the group ${group} could not be joined: ${messageOf(error)}`)
        await rest(ERROR_REST_MS)
      }
    }
  }

  const running = run()
  return {
    get membership() {
      return isJoined ? { memberId, generation } : undefined
    },
    rejoin() {
      wantsJoin = true
      wake?.()
    },
    leaveSlowly() {
      if (isLeaving) return
      isLeaving = true
      wantsJoin = true
      wake?.()
    },
    async close() {
      isStopped = true
      wake?.()
      const leaving = memberId
      // A request to join may wait for others for long.
      connections.drop(role)
      await running
      if (leaving === '') return
      await cluster
        .askCoordinator(group, {}, driver.leaveGroupV5.api, group, [{ memberId: leaving }])
        .catch((error: unknown) => {
          if (error instanceof KafkaError && error.is('UNKNOWN_MEMBER_ID')) return
          logger.warn({ err: error, group }, `Kafka: the group ${group} could not be left: ${messageOf(error)}`)
        })
    },
  }
}
