import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { InboxKey } from '../payments/ports/inbox.ts'
import type { PaymentPorts } from '../payments/ports/ports.ts'
import type { SandboxCharge, SandboxEffect, SandboxEntry } from '../payments/ports/sandbox-ledger.ts'
import type { PaymentHarness } from './payment-ports.ts'

/** The promises of {@link PaymentPorts.inbox} for any engine: stored once, handed out once at a time, never lost. */
export function testWebhookInbox(name: string, create: () => Promise<PaymentHarness>): void {
  describe(`webhook inbox on ${name}`, () => {
    let harness: PaymentHarness
    beforeAll(async () => {
      harness = await create()
    })
    afterAll(() => harness.close())
    const message = (eventId: string) => ({
      processor: 'p',
      eventId,
      type: 't',
      subject: { kind: 'operation', key: 'op_1', outcome: { kind: 'pending', reference: 'r' } },
    })

    it('stores a message once, however often and simultaneously it comes', async () => {
      const { inbox } = harness.ports
      const stored = await Promise.all(Array.from({ length: 10 }, () => inbox.store(message('once'), '{}', 1_000)))
      expect(stored.filter(Boolean)).toHaveLength(1)
      const claims = await Promise.all([inbox.claim(1_000, 9_000, 10), inbox.claim(1_000, 9_000, 10)])
      expect(claims.flat()).toEqual([{ ...message('once'), attempts: 0 }])
      await inbox.applied([{ processor: 'p', eventId: 'once' }], 2_000)
      expect(await inbox.claim(99_000, 100_000, 10)).toEqual([])
    })

    it('hands out what was postponed when its time comes, and no more what was given up', async () => {
      const { inbox } = harness.ports
      await inbox.store(message('later'), '{}', 1_000)
      await inbox.claim(1_000, 2_000, 10)
      await inbox.postpone('p', 'later', 'not yet', 5_000)
      expect(await inbox.claim(4_999, 9_000, 10)).toEqual([])
      expect(await inbox.claim(5_000, 6_000, 10)).toEqual([{ ...message('later'), attempts: 1 }])
      await inbox.postpone('p', 'later', 'never', undefined)
      expect(await inbox.claim(99_000, 100_000, 10)).toEqual([])
    })

    it('hands a message out again when whoever had it never came back', async () => {
      const { inbox } = harness.ports
      await inbox.store(message('lost'), '{}', 1_000)
      await inbox.claim(1_000, 2_000, 10)
      expect(await inbox.claim(2_000, 3_000, 10)).toEqual([{ ...message('lost'), attempts: 0 }])
    })

    it('lists messages by processor and state in the order in which they came, and makes them due again', async () => {
      const { inbox } = harness.ports
      for (const [eventId, at] of [
        ['b', 2_000],
        ['a', 2_000],
        ['c', 1_000],
      ] as const)
        await inbox.store({ ...message(eventId), processor: 'listed' }, '{}', at)
      const idsOf = async (state?: 'waiting' | 'applied' | 'failed', after?: InboxKey) =>
        (await inbox.list({ processor: 'listed', state }, after, 10)).map((one) => one.eventId)
      expect(await idsOf()).toEqual(['c', 'a', 'b'])
      expect(await idsOf(undefined, { receivedAtMs: 2_000, processor: 'listed', eventId: 'a' })).toEqual(['b'])
      await inbox.applied([{ processor: 'listed', eventId: 'a' }], 3_000)
      await inbox.postpone('listed', 'b', 'never', undefined)
      expect([await idsOf('waiting'), await idsOf('applied'), await idsOf('failed')]).toEqual([['c'], ['a'], ['b']])
      const replay = (more: object) => inbox.replay({ processor: 'listed', ...more }, 9_000)
      expect(await replay({ state: 'failed' })).toBe(1)
      expect(await replay({ eventIds: ['a', 'nobody'] })).toBe(1)
      expect(await idsOf('waiting')).toEqual(['c', 'a', 'b'])
      const [, again] = await inbox.list({ processor: 'listed' }, undefined, 10)
      expect(again).toMatchObject({ eventId: 'a', attempts: 0, appliedAtMs: undefined, lastError: undefined })
    })
  })
}

/** The promises of {@link PaymentPorts.sandboxLedger} for any engine: a live key moves money once. */
export function testSandboxLedger(name: string, create: () => Promise<PaymentHarness>): void {
  describe(`sandbox ledger on ${name}`, () => {
    let harness: PaymentHarness
    beforeAll(async () => {
      harness = await create()
    })
    afterAll(() => harness.close())

    const life = (nowMs: number) => ({ nowMs, expiresAtMs: nowMs + 1_000 })
    const entry = (key: string, more: Partial<SandboxEntry> = {}): SandboxEntry => ({
      ...{ processor: 'p', key, kind: 'authorize', reference: `ch_${key}`, charge: `ch_${key}`, currency: 'USD' },
      ...{ paymentIntentId: 'pi_1', amount: 5n, status: 'succeeded', code: undefined, message: undefined },
      ...{ expiresAtMs: undefined, createdAtMs: 1_000, ...more },
    })
    const charge = (key: string, more: Partial<SandboxCharge> = {}): SandboxCharge => ({
      ...{ processor: 'p', reference: `ch_${key}`, key, paymentIntentId: 'pi_1', token: 'tok_ok', currency: 'USD' },
      ...{ status: 'authorized', requested: 5n, authorized: 5n, captured: 0n, refunded: 0n, expiresAtMs: 7_000 },
      ...{ dispute: undefined, ...more },
    })

    it('carries a key out once, also when it comes many times at once', async () => {
      const { sandboxLedger: ledger } = harness.ports
      let effects = 0
      const post = () =>
        ledger.post({ processor: 'p', key: 'k1', reference: undefined }, life(1_000), (): SandboxEffect => {
          effects += 1
          return { entry: entry('k1'), charge: charge('k1') }
        })
      const answers = await Promise.all(Array.from({ length: 10 }, post))
      expect(answers).toEqual(Array(10).fill(entry('k1')))
      expect(effects).toBe(1)
      expect(await ledger.entriesOf(['k1', 'k2'])).toEqual([entry('k1')])
      expect(await ledger.charge('ch_k1')).toEqual(charge('k1'))
    })

    it('carries a key out again once it has expired, and says so', async () => {
      const { sandboxLedger: ledger } = harness.ports
      const seen: number[] = []
      const post = (nowMs: number) =>
        ledger.post(
          { processor: 'p', key: 'k3', reference: undefined },
          life(nowMs),
          (_charge, earlier): SandboxEffect => {
            seen.push(earlier)
            return { entry: entry('k3', { amount: BigInt(earlier) }), charge: undefined }
          },
        )
      await post(1_000)
      await post(1_999)
      await post(2_000)
      expect(seen).toEqual([0, 1])
      expect(await ledger.find('k3')).toEqual(entry('k3', { amount: 1n }))
    })

    it('shows the charge to whoever captures it, one after the other', async () => {
      const { sandboxLedger: ledger } = harness.ports
      await ledger.post({ processor: 'p', key: 'k4', reference: undefined }, life(1), () => ({
        entry: entry('k4'),
        charge: charge('k4'),
      }))
      const capture = (n: number) =>
        ledger.post({ processor: 'p', key: `k4-${n}`, reference: 'ch_k4' }, life(1), (found): SandboxEffect => {
          const open = found!.authorized - found!.captured
          const moved = open < 2n ? 0n : 2n
          return {
            entry: entry(`k4-${n}`, { kind: 'capture', amount: moved }),
            charge: { ...found!, captured: found!.captured + moved },
          }
        })
      const moved = await Promise.all(Array.from({ length: 6 }, (_, n) => capture(n)))
      expect(moved.reduce((sum, one) => sum + one.amount, 0n)).toBe(4n)
      expect(await ledger.charge('ch_k4')).toEqual(charge('k4', { captured: 4n }))
    })

    it('settles what is pending once, and loses a key once', async () => {
      const { sandboxLedger: ledger } = harness.ports
      const pending = {
        entry: entry('k5', { status: 'pending', amount: 0n }),
        charge: charge('k5', { status: 'pending', authorized: 0n }),
      }
      await ledger.post({ processor: 'p', key: 'k5', reference: undefined }, life(1), () => pending)
      const dispute = {
        disputeId: 'd',
        amount: 5n,
        reason: 'r',
        status: 'open',
        evidenceDueMs: 9,
        evidence: [],
      } as const
      const settled = { entry: entry('k5'), charge: charge('k5', { dispute }) }
      const settle = () =>
        ledger.change({ processor: 'p', key: 'k5' }, (found) => (found.status === 'pending' ? settled : undefined))
      const effects = await Promise.all([settle(), settle(), settle()])
      expect(effects.filter((one) => one !== undefined)).toEqual([settled])
      expect(await ledger.find('k5')).toEqual(entry('k5'))
      expect(await ledger.charge('ch_k5')).toEqual(settled.charge)
      expect(await ledger.change({ processor: 'p', key: 'unknown' }, () => pending)).toBeUndefined()
      expect(await ledger.change({ processor: 'q', key: 'k5' }, () => pending)).toBeUndefined()
      expect([await ledger.lose('k6'), await ledger.lose('k6')]).toEqual([true, false])
      expect(await ledger.find('k6')).toBeUndefined()
    })

    it('keeps the books of two sandboxes apart', async () => {
      const { sandboxLedger: ledger } = harness.ports
      for (const processor of ['p', 'q']) {
        const made = { entry: entry('k7', { processor, charge: undefined }), charge: undefined }
        expect(await ledger.post({ processor, key: 'k7', reference: undefined }, life(1), () => made)).toEqual(
          made.entry,
        )
      }
      expect(await ledger.entriesOf(['k7'])).toHaveLength(2)
      expect(await ledger.find('k7', 'p')).toMatchObject({ processor: 'p' })
    })

    it('hands a deed out when it is due, again when nobody finished it, and never after that', async () => {
      const { sandboxLedger: ledger } = harness.ports
      const due = (dueId: string, dueAtMs: number) => ({ dueId, processor: 'd', dueAtMs, deed: { do: dueId } })
      const dues = [due('second', 3_000), due('first', 2_000), due('later', 9_000)]
      for (const key of ['k8', 'k9'])
        await ledger.post({ processor: 'd', key, reference: undefined }, life(1), () => ({
          ...{ entry: entry(key, { processor: 'd' }), charge: undefined, dues },
        }))
      expect(await ledger.claimDues('d', 1_999, 5_000, 10)).toEqual([])
      expect(await ledger.claimDues('d', 3_000, 5_000, 10)).toEqual([due('first', 2_000), due('second', 3_000)])
      expect(await ledger.claimDues('d', 4_999, 6_000, 10)).toEqual([])
      await ledger.finishDues('d', ['first'])
      expect((await ledger.claimDues('d', 5_000, 6_000, 10)).map((one) => one.dueId)).toEqual(['second'])
      expect((await ledger.claimDues('d', 99_000, 100_000, 10)).map((one) => one.dueId)).toEqual(['second', 'later'])
      expect(await ledger.claimDues('e', 99_000, 100_000, 10)).toEqual([])
    })

    it('lists its entries in the order in which they were written', async () => {
      const { sandboxLedger: ledger } = harness.ports
      const all = await ledger.entries(0n, 1_000)
      expect(all.length).toBeGreaterThan(5)
      const paged = [...(await ledger.entries(0n, 3)), ...(await ledger.entries(all[2]!.entryId, 1_000))]
      expect(paged).toEqual(all)
    })
  })
}
