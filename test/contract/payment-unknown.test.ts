import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { FaultPoint } from '../../src/payments/processing/operations.ts'
import type { Payment } from '../../src/payments/schemas.ts'
import { bookedFor, DEEDS, type Deed } from '../setup/payment-cutoffs.ts'
import { crashOnce, openPaymentBench, type PaymentBench } from '../setup/payments.ts'
import { sqlEngines } from '../setup/sql.ts'

/**
 * Claim: whatever operation is cut off, and wherever, the processor does it once, the payment ends right, and whoever
 * repeats the command is told so. Method: a crash in this process at each moment of each kind of operation; the oracle are
 * the books of the sandbox. By real kills: `test/faults/payment-kill.test.ts`.
 */
const POINTS: readonly FaultPoint[] = ['requested', 'answered', 'recorded']
const KEY_LIFE_MS = 24 * 3_600_000
const once = () => ({ idempotencyKey: randomUUID() })

for (const engine of sqlEngines()) {
  describe(`operations without an outcome on ${engine.name}`, () => {
    let bench: PaymentBench
    beforeAll(async () => {
      bench = await openPaymentBench(engine)
    })
    afterAll(async () => {
      await bench.project()
      const report = await bench.verify()
      await bench.close()
      expect(report.differences).toEqual([])
    })

    /** Does a deed in a process that dies at the given moment. */
    async function cutOff(deed: Deed, point: FaultPoint) {
      const id = await deed.prepare(bench)
      const context = once()
      const dying = bench.process({ faults: crashOnce(point, deed.kind) })
      await expect(deed.run(dying, id, context)).rejects.toThrow(`crash: ${point} ${deed.kind}`)
      return { id, context }
    }

    for (const deed of DEEDS) {
      for (const point of POINTS) {
        it(`do ${deed.name} once when the process dies at "${point}" of its ${deed.kind}`, async () => {
          const { id, context } = await cutOff(deed, point)
          await bench.recover(30_000)
          let replays = 0
          const repeat = { ...context, onReplay: () => void replays++ }
          const done = await deed.run(bench.payments, id, repeat)
          expect(done).toMatchObject(deed.ends)
          expect(done).not.toHaveProperty('pending_operation')
          expect(await deed.run(bench.payments, id, repeat)).toEqual(done)
          expect(replays).toBe(2)
          expect(await bookedFor(bench, id)).toEqual([...deed.booked].sort())
        })
      }
    }

    describe('whose key the processor may have forgotten', () => {
      /** Lost on the way, and found only when the key is too old. */
      async function tooOld(deed: Deed) {
        const { id, context } = await cutOff(deed, 'requested')
        await bench.recover(KEY_LIFE_MS * 0.95)
        const { pending_operation: pending } = await bench.payments.get(id)
        expect(pending).toMatchObject({ kind: deed.kind, status: 'review' })
        return { id, context, opId: pending!.op_id }
      }
      const listed = async () => {
        const { items } = await bench.payments.operations({ status: 'review' }, { limit: 100 })
        return items.map((item) => item.op_id)
      }
      const bookedBefore = (deed: Deed) => {
        // An authorization that waits has not been followed by its capture.
        const end = deed.booked.findIndex((entry) => entry.startsWith(deed.kind))
        return deed.booked.slice(0, end).sort()
      }

      for (const deed of DEEDS) {
        it(`are never sent again, but shown to a person: ${deed.name}`, async () => {
          const { id, context, opId } = await tooOld(deed)
          expect(await listed()).toContain(opId)
          const doubtful = await deed.run(bench.payments, id, context)
          expect(doubtful).toMatchObject({ pending_operation: { op_id: opId, status: 'review' } })
          await bench.recover(2 * KEY_LIFE_MS)
          await bench.recover(2 * KEY_LIFE_MS)
          expect(await bookedFor(bench, id)).toEqual(bookedBefore(deed))

          const decision = { decision: 'failed', note: 'never received' } as const
          const decided = await bench.payments.resolveOperation(opId, decision, { actor: 'ada' })
          expect(decided).not.toHaveProperty('pending_operation')
          expect(decided).toMatchObject({ capture_pending: 0, refund_pending: 0 })
          expect(await listed()).not.toContain(opId)
          const { items } = await bench.payments.events(id, { limit: 100 })
          const resolved = items.filter((event) => event.event_type === 'REVIEW_RESOLVED')
          expect(resolved).toMatchObject([{ actor: 'ada', op_id: opId, payload: { ...decision, op_id: opId } }])
          const told = await deed.run(bench.payments, id, context)
          expect(told).toEqual(decided)
          await bench.recover(2 * KEY_LIFE_MS)
          expect(await bookedFor(bench, id)).toEqual(bookedBefore(deed))
          await expect(bench.payments.resolveOperation(opId, decision)).rejects.toMatchObject({
            code: 'operation_not_in_review',
          })
        })
      }

      it('are asked for again on request, and not sent either', async () => {
        const deed = DEEDS.find(({ kind }) => kind === 'refund')!
        const { id, opId } = await tooOld(deed)
        const decided = await bench.payments.resolveOperation(opId, { decision: 'ask_again', note: 'try' })
        expect(decided).toMatchObject({ pending_operation: { op_id: opId, status: 'unknown' } })
        const { attempts, nextCheckAtMs } = (await bench.ports.store.operation(opId))!
        expect({ attempts, waitMs: nextCheckAtMs! - bench.clock.now() }).toEqual({ attempts: 0, waitMs: 2_000 })
        await bench.recover(60_000)
        expect(await bench.payments.get(id)).toMatchObject({ pending_operation: { op_id: opId, status: 'review' } })
        expect(await bookedFor(bench, id)).toEqual(bookedBefore(deed))
        await bench.payments.resolveOperation(opId, { decision: 'failed', note: 'never received' })
      })

      it('are done when the processor, asked again, turns out to have done them', async () => {
        const deed = DEEDS.find(({ kind }) => kind === 'refund')!
        const away = { ...bench.sandbox, lookup: () => Promise.reject(new Error('away')) }
        const dying = bench.process({ faults: crashOnce('answered', 'refund') })
        const id = await deed.prepare(bench)
        const context = once()
        await expect(deed.run(dying, id, context)).rejects.toThrow('crash')
        const blind = bench.process({ processors: new Map([['sandbox', away]]) })
        await bench.clock.advance(30_000)
        await blind.recovery.runDue()
        expect(await bench.payments.get(id)).toMatchObject({ pending_operation: { status: 'unknown' } })
        await bench.recover(KEY_LIFE_MS)
        expect(await deed.run(bench.payments, id, context)).toMatchObject(deed.ends)
        expect(await bookedFor(bench, id)).toEqual([...deed.booked].sort())
      })
    })
  })

  describe(`operations that a person says succeeded, on ${engine.name}`, () => {
    let bench: PaymentBench
    beforeAll(async () => {
      bench = await openPaymentBench(engine)
    })
    afterAll(() => bench.close())

    for (const deed of DEEDS) {
      it(`are settled, and what follows from them is driven: ${deed.name}`, async () => {
        const id = await deed.prepare(bench)
        const context = once()
        // Done, but the processor forgot: a look-up finds nothing, and nobody can find out.
        const forgetful = { ...bench.sandbox, lookup: () => Promise.resolve(undefined) }
        const dying = bench.process({ faults: crashOnce('answered', deed.kind) })
        await expect(deed.run(dying, id, context)).rejects.toThrow('crash')
        const blind = bench.process({ processors: new Map([['sandbox', forgetful]]) })
        await bench.clock.advance(KEY_LIFE_MS * 0.95)
        await blind.recovery.runDue()
        const { pending_operation: pending } = await bench.payments.get(id)
        expect(pending).toMatchObject({ kind: deed.kind, status: 'review' })
        const { reference } = (await bench.ports.sandboxLedger.find(pending!.op_id))!
        const decided: Payment = await bench.payments.resolveOperation(
          pending!.op_id,
          { decision: 'succeeded', note: 'seen in the dashboard', reference },
          { actor: 'ada' },
        )
        expect(decided).toMatchObject(deed.ends)
        expect(await deed.run(bench.payments, id, context)).toMatchObject(deed.ends)
        expect(await bookedFor(bench, id)).toEqual([...deed.booked].sort())
      })
    }

    it('are decided once by fifty who decide differently at the same time', async () => {
      const deed = DEEDS.find(({ kind }) => kind === 'refund')!
      const id = await deed.prepare(bench)
      await expect(deed.run(bench.process({ faults: crashOnce('requested', 'refund') }), id, once())).rejects.toThrow(
        'crash',
      )
      await bench.recover(KEY_LIFE_MS * 0.95)
      const { op_id: opId } = (await bench.payments.get(id)).pending_operation!
      const processes = [bench.process(), bench.process()]
      const results = await Promise.allSettled(
        Array.from({ length: 50 }, (_, n) => {
          const decision = (['failed', 'succeeded', 'ask_again'] as const)[n % 3]!
          return processes[n % 2]!.resolveOperation(opId, { decision, note: `number ${n}` })
        }),
      )
      const refused = results.filter((result) => result.status === 'rejected')
      expect(refused).toHaveLength(49)
      for (const { reason } of refused) expect(reason).toMatchObject({ code: 'operation_not_in_review' })
      const { items } = await bench.payments.events(id, { limit: 100 })
      expect(items.filter((event) => event.event_type === 'REVIEW_RESOLVED')).toHaveLength(1)
    })

    it('may be for less than was asked for when they are authorizations, and for nothing else', async () => {
      const [deed] = DEEDS
      const id = await deed!.prepare(bench)
      await expect(
        deed!.run(bench.process({ faults: crashOnce('requested', 'authorize') }), id, once()),
      ).rejects.toThrow('crash')
      await bench.recover(KEY_LIFE_MS * 0.95)
      const { op_id: opId } = (await bench.payments.get(id)).pending_operation!
      const decide = (amount: number) =>
        bench.payments.resolveOperation(opId, { decision: 'succeeded', note: 'seen', amount })
      await expect(decide(10_001)).rejects.toMatchObject({ code: 'illegal_payment_state' })
      expect(await decide(6_000)).toMatchObject({ status: 'authorized', authorized: 6_000, captured: 0 })
    })
  })
}
