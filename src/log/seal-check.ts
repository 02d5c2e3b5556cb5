import type { KeyObject } from 'node:crypto'
import { NO_HASH } from '../core/canonical-json.ts'
import { chainHash, hasGoodSignature, type Seal, sealHash } from './seal.ts'

/** What is wrong with a log, by kind:
 * - `event_missing`: numbers of the log without events
 * - `event_twice`: an event with a number that was there before
 * - `log_rewritten`: events that are not those, or not in the order, that were sealed
 * - `log_cut`: sealed events behind the end of the log
 * - `seal_missing`: a seal that its copies or the seals after it bear witness to
 * - `seal_replaced`: a seal that differs from its copy, or does not follow the one before it
 * - `seal_forged`: a seal whose signature is wrong
 * - `seal_untrusted`: a seal signed with a key that is not known
 */
export type SealProblemKind =
  | 'event_missing'
  | 'event_twice'
  | 'log_rewritten'
  | 'log_cut'
  | 'seal_missing'
  | 'seal_replaced'
  | 'seal_forged'
  | 'seal_untrusted'

export interface SealProblem {
  readonly kind: SealProblemKind
  readonly shard: number
  /** The first and the last event that it concerns, where it concerns events. */
  readonly fromEventId?: bigint
  readonly toEventId?: bigint
  readonly sealNumber?: number
  readonly problem: string
}

/** Seals of one shard, and whose signatures are believed. */
export interface SealEvidence {
  readonly shard: number
  /** As they lie beside the log, in any order. */
  readonly seals: readonly Seal[]
  /** As they were kept elsewhere, in any order; the same one may be there twice. */
  readonly copies: readonly Seal[]
  /** Public keys by their id; without them signatures are not looked at. */
  readonly keys: ReadonlyMap<string, KeyObject> | undefined
}

/** What the chain was at an event, by a seal that is believed. */
interface Point {
  readonly eventId: bigint
  readonly chainHash: Uint8Array
  readonly said: string
}

const same = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0
const said = (seal: Seal) => `seal ${seal.number} of ${new Date(seal.sealedAtMs).toISOString()}`
const isSame = (a: Seal, b: Seal) => same(sealHash(a), sealHash(b))

function signatureProblem(seal: Seal, keys: SealEvidence['keys']): SealProblem | undefined {
  if (keys === undefined) return undefined
  const place = { shard: seal.shard, sealNumber: seal.number }
  const key = keys.get(seal.keyId)
  if (key === undefined)
    return { kind: 'seal_untrusted', ...place, problem: `${said(seal)} is signed with the unknown key ${seal.keyId}` }
  return hasGoodSignature(seal, key)
    ? undefined
    : { kind: 'seal_forged', ...place, problem: `${said(seal)} has a wrong signature` }
}

/** Whether seals are numbered and linked as they were made. */
function linkProblems(seals: readonly Seal[]): SealProblem[] {
  const problems: SealProblem[] = []
  let before: Seal | undefined
  for (const seal of seals) {
    const { shard, number: sealNumber } = seal
    const expected = (before?.number ?? 0) + 1
    if (sealNumber !== expected) {
      const which = sealNumber === expected + 1 ? `seal ${expected} is` : `seals ${expected} to ${sealNumber - 1} are`
      problems.push({ kind: 'seal_missing', shard, sealNumber: expected, problem: `${which} missing` })
    } else if (
      !same(seal.previous, before === undefined ? NO_HASH : sealHash(before)) ||
      seal.eventId <= (before?.eventId ?? 0n)
    ) {
      problems.push({
        kind: 'seal_replaced',
        shard,
        sealNumber,
        problem: `${said(seal)} does not follow the one before`,
      })
    }
    before = seal
  }
  return problems
}

/** Copies against the seals beside the log. */
function copyProblems(seals: readonly Seal[], copies: readonly Seal[]): SealProblem[] {
  const byNumber = new Map(seals.map((seal) => [seal.number, seal]))
  const problems: SealProblem[] = []
  for (const copy of copies) {
    const seal = byNumber.get(copy.number)
    const place = { shard: copy.shard, sealNumber: copy.number }
    if (seal === undefined) {
      const problem = `${said(copy)} (up to event ${copy.eventId}) is among the copies, but not beside the log`
      problems.push({ kind: 'seal_missing', ...place, problem })
    } else if (!isSame(seal, copy)) {
      problems.push({ kind: 'seal_replaced', ...place, problem: `${said(seal)} is not ${said(copy)} of the copies` })
    }
  }
  return problems
}

function distinct(seals: readonly Seal[]): Seal[] {
  const known = new Map(seals.map((seal) => [Buffer.from(sealHash(seal)).toString('hex'), seal]))
  return [...known.values()].sort((a, b) => a.number - b.number)
}

export interface SealCheck {
  /** The last event that a seal which is believed covers. */
  readonly sealedTo: bigint
  /** The next event of the shard, in the order of the log. */
  add(eventId: bigint, hash: Uint8Array): void
  /** After the last event; `head` is the last number that was handed out. */
  end(head: bigint): SealReport
}

export interface SealReport {
  readonly problems: readonly SealProblem[]
  readonly events: number
}

/**
 * Checks the events of one shard against its seals. What differs is named between the two seals around it: the chain
 * goes on from what was sealed, so that one change does not hide another.
 */
export function startSealCheck({ shard, keys, ...given }: SealEvidence): SealCheck {
  const problems: SealProblem[] = []
  const believed = (seals: readonly Seal[], of: string) =>
    seals.filter((seal) => {
      const problem = signatureProblem(seal, keys)
      if (problem !== undefined) problems.push({ ...problem, problem: `${problem.problem}${of}` })
      return problem === undefined
    })
  const seals = given.seals.toSorted((a, b) => a.number - b.number)
  problems.push(...linkProblems(seals))
  const goodSeals = believed(seals, '')
  const goodCopies = believed(distinct(given.copies), ', among the copies')
  problems.push(...copyProblems(seals, goodCopies))

  const points = distinct([...goodSeals, ...goodCopies])
    .map((seal): Point => ({ eventId: seal.eventId, chainHash: seal.chainHash, said: said(seal) }))
    .sort((a, b) => (a.eventId < b.eventId ? -1 : a.eventId > b.eventId ? 1 : 0))
  const sealedTo = points.at(-1)?.eventId ?? 0n
  let next = 0
  let last = 0n
  let events = 0
  /** The chain of the events as they are, and that which goes on from the last point. */
  let found = NO_HASH
  let mended = NO_HASH
  /** The last event up to which the log was compared with a point. */
  let from = 0n

  function reach(eventId: bigint): void {
    const here: Point[] = []
    for (; points[next]?.eventId === eventId; next++) here.push(points[next]!)
    if (here.length === 0) return
    const which = from + 1n === eventId ? `event ${eventId}` : `events ${from + 1n} to ${eventId}`
    for (const point of here) {
      if (same(point.chainHash, found) || same(point.chainHash, mended)) continue
      const problem = `${which}: not as ${point.said} has them`
      problems.push({ kind: 'log_rewritten', shard, fromEventId: from + 1n, toEventId: eventId, problem })
    }
    const holds =
      here.find(({ chainHash }) => same(chainHash, found)) ?? here.find((point) => same(point.chainHash, mended))
    mended = (holds ?? here.at(-1)!).chainHash
    from = eventId
  }

  function missing(fromEventId: bigint, toEventId: bigint): void {
    const which = fromEventId === toEventId ? `event ${toEventId} is` : `events ${fromEventId} to ${toEventId} are`
    problems.push({ kind: 'event_missing', shard, fromEventId, toEventId, problem: `${which} missing` })
  }

  return {
    sealedTo,
    add(eventId, hash) {
      events += 1
      if (eventId <= last) {
        const place = { shard, fromEventId: eventId, toEventId: eventId }
        problems.push({ kind: 'event_twice', ...place, problem: `event ${eventId} is there twice` })
        return
      }
      if (eventId > last + 1n) {
        missing(last + 1n, eventId - 1n)
        // A point inside the gap can't be reached by its event: what follows it can still be checked.
        for (; next < points.length && points[next]!.eventId < eventId; next++) {
          mended = points[next]!.chainHash
          from = points[next]!.eventId
        }
      }
      last = eventId
      const before = found
      found = chainHash(found, hash)
      mended = same(mended, before) ? found : chainHash(mended, hash)
      reach(eventId)
    },
    end(head) {
      if (sealedTo > last) {
        const place = { shard, fromEventId: last + 1n, toEventId: sealedTo }
        const by = points.at(-1)?.said
        const problem = `the log ends at event ${last}, but ${by} covers all up to event ${sealedTo}`
        problems.push({ kind: 'log_cut', ...place, problem })
      } else if (head > last) {
        missing(last + 1n, head)
      }
      return { problems, events }
    },
  }
}
