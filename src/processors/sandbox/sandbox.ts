import type { Clock } from '../../core/clock.ts'
import { assert } from '../../core/errors.ts'
import type { SandboxDue, SandboxEntry, SandboxLedger } from '../../payments/ports/sandbox-ledger.ts'
import type { Capabilities, EvidenceRequest, Processor, ProcessorOutcome } from '../../payments/processing/processor.ts'
import {
  authorizeEffect,
  type BookRules,
  closeDisputeEffect,
  decideEffect,
  disputeEffect,
  evidenceEffect,
  type FollowUp,
  followUpEffect,
  returnRefundEffect,
} from './books.ts'
import { type Deed, dueOf, tell } from './deeds.ts'
import { disputeMessage, entryMessage, failureOf, outcomeOf } from './messages.ts'
import { behaviourOf, REFUSALS, type RefusalCode, type TokenBehaviour } from './tokens.ts'
import { readWebhook, type SignedWebhook, signWebhook } from './webhook.ts'

export interface SandboxOptions {
  readonly ledger: SandboxLedger
  readonly clock: Clock
  /** Signs and checks webhooks. */
  readonly webhookSecret: string
  /** `sandbox` unless given. Its books are its own, also when several share a ledger. */
  readonly name?: string
  /** What it can not do, or does otherwise: everything, and keys live for a day, unless given. */
  readonly capabilities?: Partial<Capabilities>
  /** How long a key is known, in milliseconds; a day unless given. */
  readonly keyLifetimeMs?: number
  /** How long deciding, returning a refund and opening or closing a dispute takes, in milliseconds. */
  readonly settlesAfterMs?: number
}

export interface Sandbox extends Processor {
  /**
   * Decides an authorization that is pending or waits for the buyer. Its webhook is posted by the worker, and answered
   * here for those who have none; `undefined` when it is decided already.
   */
  settle(key: string, verdict?: 'succeeded' | 'failed'): Promise<SignedWebhook | undefined>
  /**
   * Does what it does of its own accord, as far as it is due, and hands each webhook to `post`; answers how many deeds it
   * looked at. What fails or is cut off is done again later, so that webhooks come at least once.
   */
  deliverDue(post: (webhook: SignedWebhook) => Promise<unknown>): Promise<number>
}

const DAY_MS = 86_400_000
const EVIDENCE_MS = 7 * DAY_MS
const SETTLES_AFTER_MS = 3_000
const LEASE_MS = 30_000
const BATCH = 50

/** What is not able to do most things, to try routes and capabilities with. */
export const BASIC_CAPABILITIES = {
  ...{ multipleCaptures: false, increments: false, voidAfterCapture: false, lookupByKey: false },
  keyLifetimeMs: 3_600_000,
} as const satisfies Partial<Capabilities>

const ALL_CAPABILITIES: Capabilities = {
  ...{ multipleCaptures: true, increments: true, voidAfterCapture: true, lookupByKey: true, disputes: true },
  keyLifetimeMs: DAY_MS,
}

/** A dispute is named after the capture that it is about. */
const captureOf = (disputeId: string): string => disputeId.slice('dp_'.length)

/**
 * A payment processor for development and tests. It is deterministic: tokens say how it behaves (see `tokens.ts`). It
 * keeps books of its own, by which anybody can check that no money was doubled or lost.
 */
export function createSandbox(options: SandboxOptions): Sandbox {
  const { ledger, clock, webhookSecret, name = 'sandbox', keyLifetimeMs, settlesAfterMs = SETTLES_AFTER_MS } = options
  const capabilities: Capabilities = {
    ...ALL_CAPABILITIES,
    ...options.capabilities,
    ...(keyLifetimeMs === undefined ? {} : { keyLifetimeMs }),
  }
  const times = { settlesAfterMs, actionMs: DAY_MS, evidenceMs: EVIDENCE_MS }
  const rules: BookRules = { processor: name, capabilities, times }
  const life = () => ({ nowMs: clock.now(), expiresAtMs: clock.now() + capabilities.keyLifetimeMs })
  const occasion = (earlier: number) => ({ earlier, nowMs: clock.now() })

  /** Carries out what `work` does, unless the token has its request or its answer lost the first time. */
  async function overTheWire(
    kind: SandboxEntry['kind'],
    key: string,
    behaviour: TokenBehaviour | undefined,
    work: () => Promise<SandboxEntry>,
  ): Promise<ProcessorOutcome> {
    const { loses } = behaviour ?? {}
    const lost = loses !== undefined && (loses.of ?? kind) === kind ? loses.what : undefined
    const lose = async (what: 'request' | 'answer') => {
      if (lost === what && (await ledger.lose(key)))
        throw new Error(`the sandbox lost the ${what}: the connection timed out`)
    }
    await lose('request')
    const entry = await work()
    await lose('answer')
    return outcomeOf(entry)
  }

  async function followUp(one: FollowUp & { request: { reference: string } }): Promise<ProcessorOutcome> {
    const { kind, request } = one
    const { key, reference } = request
    const known = await ledger.charge(reference)
    const behaviour = known === undefined ? undefined : behaviourOf(known.token)
    const authorization = known === undefined || kind !== 'void' ? undefined : await ledger.find(known.key, name)
    return overTheWire(kind, key, behaviour, () =>
      ledger.post({ processor: name, key, reference }, life(), (charge, earlier) => {
        const isWaiting = charge?.status === 'pending' || charge?.status === 'requires_action'
        return followUpEffect(rules, one, charge, occasion(earlier), isWaiting ? authorization : undefined)
      }),
    )
  }

  async function submitEvidence(request: EvidenceRequest): Promise<ProcessorOutcome> {
    const { key, disputeId } = request
    const reference = (await ledger.find(captureOf(disputeId), name))?.charge
    const known = reference === undefined ? undefined : await ledger.charge(reference)
    const behaviour = known === undefined ? undefined : behaviourOf(known.token)
    return overTheWire('evidence', key, behaviour, () =>
      ledger.post({ processor: name, key, reference }, life(), (charge, earlier) => {
        const effect = evidenceEffect(rules, request, charge, occasion(earlier))
        const status = behaviour?.disputes
        if (effect.entry.status !== 'succeeded' || status === undefined) return effect
        const deed = { do: 'close_dispute', key: captureOf(disputeId), status } as const
        const close = dueOf(name, `close ${disputeId}`, clock.now() + settlesAfterMs, deed)
        return { ...effect, dues: [...(effect.dues ?? []), close] }
      }),
    )
  }

  const decideLate = (key: string, verdict: 'succeeded' | 'failed', code: RefusalCode) =>
    ledger.change({ processor: name, key }, (entry, charge) => {
      const effect = decideEffect(entry, charge, verdict, code)
      return effect === undefined ? undefined : { ...effect, dues: [tell(effect.entry, clock.now())] }
    })

  /** What has decided itself by now, though the worker has not come to it. */
  async function upToDate(entry: SandboxEntry): Promise<SandboxEntry> {
    if (entry.status !== 'pending' && entry.status !== 'requires_action') return entry
    const charge = entry.charge === undefined ? undefined : await ledger.charge(entry.charge)
    const verdict = charge === undefined ? undefined : behaviourOf(charge.token)?.decides
    const ageMs = clock.now() - entry.createdAtMs
    if (verdict !== undefined && ageMs >= settlesAfterMs)
      await decideLate(entry.key, verdict, entry.status === 'pending' ? 'card_declined' : 'authentication_failed')
    else if (entry.status === 'requires_action' && ageMs >= times.actionMs)
      await decideLate(entry.key, 'failed', 'action_expired')
    else return entry
    const decided = await ledger.find(entry.key, name)
    assert(decided !== undefined, 'an entry of the sandbox is never deleted')
    return decided
  }

  /** The bodies of the webhooks that tell of a deed. Done again it tells the same again. */
  async function carryOut(deed: Deed): Promise<readonly string[]> {
    if (deed.do === 'tell') return Array<string>(deed.copies).fill(deed.body)
    const { key } = deed
    const of = { processor: name, key }
    switch (deed.do) {
      case 'decide':
        // The message is a deed of its own, written together with the decision.
        await decideLate(key, deed.verdict, (deed.code ?? 'card_declined') as RefusalCode)
        return []
      case 'return_refund': {
        const effect = await ledger.change(of, returnRefundEffect)
        const entry = effect?.entry ?? (await ledger.find(key, name))
        return entry?.status === 'failed' ? [entryMessage(entry)] : []
      }
      case 'dispute':
        return dispute(key)
      case 'close_dispute':
        return closeDispute(key, 'under_review', deed.status)
      case 'lapse_dispute':
        return closeDispute(key, 'open', 'lost')
      default:
        return deed satisfies never
    }
  }

  async function chargeOf(key: string) {
    const reference = (await ledger.find(key, name))?.charge
    return reference === undefined ? undefined : ledger.charge(reference)
  }

  async function closeDispute(key: string, from: 'open' | 'under_review', to: 'won' | 'lost') {
    const closed = await ledger.change({ processor: name, key }, (entry, charge) =>
      closeDisputeEffect(entry, charge, from, to),
    )
    const charge = closed?.charge ?? (await chargeOf(key))
    const status = charge?.dispute?.status
    return charge !== undefined && (status === 'won' || status === 'lost') ? [disputeMessage(charge, status)] : []
  }

  async function dispute(key: string): Promise<readonly string[]> {
    const evidenceDueMs = clock.now() + times.evidenceMs
    const opened = await ledger.change({ processor: name, key }, (entry, charge) => {
      const effect = disputeEffect(entry, charge, evidenceDueMs)
      if (effect?.charge?.dispute?.status !== 'open') return effect
      const deed = { do: 'lapse_dispute', key } as const
      return { ...effect, dues: [dueOf(name, `lapse dp_${key}`, evidenceDueMs, deed)] }
    })
    const charge = opened?.charge ?? (await chargeOf(key))
    if (charge?.dispute?.disputeId !== `dp_${key}`) return []
    const closesFirst = behaviourOf(charge.token)?.closesFirst === true
    return closesFirst
      ? [disputeMessage(charge, 'lost'), disputeMessage(charge, 'open')]
      : [disputeMessage(charge, 'open')]
  }

  async function deliver({ deed }: SandboxDue, post: (webhook: SignedWebhook) => Promise<unknown>): Promise<void> {
    for (const body of await carryOut(deed as unknown as Deed))
      await post(signWebhook(body, webhookSecret, clock.now()))
  }

  return {
    name,
    capabilities,
    async authorize(request) {
      const { token, key } = request
      const behaviour = behaviourOf(token)
      const unreachable = 'processor_unreachable'
      if (behaviour?.unreachable) return failureOf(unreachable, REFUSALS[unreachable].message)
      return overTheWire('authorize', key, behaviour, () =>
        ledger.post({ processor: name, key, reference: undefined }, life(), (_charge, earlier) =>
          authorizeEffect(rules, request, occasion(earlier)),
        ),
      )
    },
    increment: (request) => followUp({ kind: 'increment', request, final: false }),
    capture: (request) => followUp({ kind: 'capture', request, final: request.final }),
    submitEvidence,
    void: (request) => followUp({ kind: 'void', request, final: false }),
    refund: (request) => followUp({ kind: 'refund', request, final: false }),
    async lookup({ key, reference }) {
      const entry = await ledger.find(key, name)
      if (entry === undefined || (!capabilities.lookupByKey && reference !== entry.reference)) return undefined
      return outcomeOf(await upToDate(entry))
    },
    verifyWebhook: (request) => readWebhook(request, webhookSecret, clock.now()),
    async settle(key, verdict = 'succeeded') {
      const effect = await decideLate(key, verdict, 'card_declined')
      if (effect === undefined) return undefined
      return signWebhook(entryMessage(effect.entry), webhookSecret, clock.now())
    },
    async deliverDue(post) {
      const nowMs = clock.now()
      const dues = await ledger.claimDues(name, nowMs, nowMs + LEASE_MS, BATCH)
      const done: string[] = []
      const failures: unknown[] = []
      for (const due of dues) {
        try {
          await deliver(due, post)
          done.push(due.dueId)
        } catch (error) {
          failures.push(error)
        }
      }
      await ledger.finishDues(name, done)
      if (failures.length > 0) throw new AggregateError(failures, `${name} could not post ${failures.length} webhooks`)
      return dues.length
    },
  }
}
