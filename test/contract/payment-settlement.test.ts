import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { csvLine } from '../../src/core/csv.ts'
import type { BadRow } from '../../src/core/file-rows.ts'
import { createPaymentWriter } from '../../src/payments/commands/writer.ts'
import type { SettlementItemDocument } from '../../src/payments/settlement/schemas.ts'
import { createSettlements, type Settlements } from '../../src/payments/settlement/settlements.ts'
import { sandboxSettlementCsv } from '../../src/processors/sandbox/settlement-file.ts'
import { card, openPaymentBench, type PaymentBench } from '../setup/payments.ts'
import { sqlEngines } from '../setup/sql.ts'

const DAY_MS = 86_400_000
const HEADING = 'type,reference,op_id,amount,currency,fee,occurred_at,payout_id\n'

for (const engine of sqlEngines()) {
  describe(`settlement files on ${engine.name}`, () => {
    let bench: PaymentBench
    let settlements: Settlements
    let folder: string
    let files = 0
    beforeAll(async () => {
      bench = await openPaymentBench(engine)
      settlements = createSettlements({ store: bench.ports.settlements, processors: ['sandbox'], clock: bench.clock })
      folder = await mkdtemp(join(tmpdir(), 'fanfold-settlement-'))
    })
    afterAll(async () => {
      await bench.close()
      await rm(folder, { recursive: true, force: true })
    })

    async function fileOf(text: string): Promise<string> {
      const path = join(folder, `${++files}.csv`)
      await writeFile(path, text)
      return path
    }
    async function paid(amount = 1_000, more = {}): Promise<string> {
      const input = { amount, currency: 'USD', payment_method: card('tok_ok'), ...more }
      const id = (await bench.payments.create(input)).payment_intent_id
      expect(await bench.payments.authorize(id)).toMatchObject({ status: 'captured' })
      return id
    }
    /** The books of the sandbox from now on, as its settlement file. */
    async function sandboxFile(fromMs: number, change: (lines: string[]) => string[] = (lines) => lines) {
      let text = ''
      for await (const line of sandboxSettlementCsv(bench.ports.sandboxLedger, 'sandbox', { fromMs })) text += line
      const [heading, ...lines] = text.trimEnd().split('\n')
      return fileOf(`${[heading, ...change(lines)].join('\n')}\n`)
    }
    async function nextDay(days = 10): Promise<number> {
      await bench.clock.advance(days * DAY_MS)
      return bench.clock.now()
    }
    const importFile = (path: string, more = {}) => settlements.importFile(path, { processor: 'sandbox', ...more })
    async function itemsOf(id: string, result?: string): Promise<SettlementItemDocument[]> {
      const items: SettlementItemDocument[] = []
      let cursor: string | undefined
      do {
        const page = await settlements.items(id, result, { limit: 2, cursor })
        items.push(...page.items)
        cursor = page.next_cursor
      } while (cursor !== undefined)
      return items
    }

    it('match the captures and refunds of the processor whose books they are', async () => {
      const fromMs = await nextDay()
      const ids = [await paid(1_000), await paid(500, { currency: 'KWD' }), await paid(7, { currency: 'JPY' })]
      await bench.payments.refund(ids[0]!, { amount: 300 })
      const { settlement, rows_bad } = await importFile(await sandboxFile(fromMs))
      expect(rows_bad).toBe(0)
      expect(settlement).toMatchObject({ status: 'reconciled', matched: 4, differing: 0, missing: 0, unknown: 0 })
      const items = await itemsOf(settlement.settlement_id)
      expect(items.map(({ payment_intent_id: id }) => id)).toEqual([...ids, ids[0]])
      expect(items.map(({ type, amount, expected_amount: ours }) => [type, amount, ours])).toEqual([
        ['charge', 1_000, 1_000],
        ['charge', 500, 500],
        ['charge', 7, 7],
        ['refund', -300, 300],
      ])
      const { totals } = await settlements.get(settlement.settlement_id)
      expect(totals).toContainEqual({ currency: 'USD', type: 'charge', lines: 1, amount: 1_000, fee: 39 })
    })

    it('name what differs, what they do not have, and what we do not have', async () => {
      const fromMs = await nextDay()
      const ids = [await paid(1_001), await paid(1_002), await paid(1_003), await paid(1_004)]
      const path = await sandboxFile(fromMs, ([amount, currency, , twice]) => [
        amount!.replace(',1001,', ',901,'),
        currency!.replace(',USD,', ',EUR,'),
        twice!,
        twice!,
        'charge,cp_nobody,,5,USD,0,2026-02-01,po_1',
        'payout,po_1,,-5,USD,0,2026-02-01,po_1',
      ])
      await bench.clock.advance(4 * DAY_MS)
      const day = (ms: number) => new Date(ms).toISOString().slice(0, 10)
      const { settlement } = await importFile(path, { from: day(fromMs), to: day(fromMs) })
      const id = settlement.settlement_id
      expect(settlement).toMatchObject({ matched: 1, differing: 3, missing: 1, unknown: 1, not_compared: 1 })
      expect((await itemsOf(id, 'differing')).map((item) => [item.payment_intent_id, item.differences])).toEqual([
        [ids[0], ['amount']],
        [ids[1], ['currency']],
        [ids[3], ['settled_before']],
      ])
      expect(await itemsOf(id, 'missing')).toMatchObject([
        { payment_intent_id: ids[2], expected_amount: 1_003, type: 'charge', line: null, amount: null },
      ])
      expect(await itemsOf(id, 'unknown')).toMatchObject([{ reference: 'cp_nobody', payment_intent_id: null, line: 6 }])
      expect((await itemsOf(id)).at(-1)).toMatchObject({ result: 'missing' })
    })

    it('miss nothing while the days of grace last, or when another file has it', async () => {
      const fromMs = await nextDay()
      await paid(2_001)
      await paid(2_002)
      const first = await importFile(await sandboxFile(fromMs, ([line]) => [line!]))
      const id = first.settlement.settlement_id
      expect(first.settlement).toMatchObject({ matched: 1, missing: 0 })
      await bench.clock.advance(2 * DAY_MS)
      expect(await settlements.reconcile(id)).toMatchObject({ matched: 1, missing: 0 })
      await bench.clock.advance(2 * DAY_MS)
      expect(await settlements.reconcile(id)).toMatchObject({ matched: 1, missing: 1 })
      expect(await settlements.get(id)).toMatchObject({ matched: 1, missing: 1 })
      await importFile(await sandboxFile(fromMs, ([, line]) => [line!]))
      expect(await settlements.reconcile(id)).toMatchObject({ matched: 1, missing: 0 })
    })

    it('name what an earlier file has settled, in the later one only', async () => {
      const fromMs = await nextDay()
      await paid(3_001)
      const first = (await importFile(await sandboxFile(fromMs))).settlement.settlement_id
      await bench.clock.advance(1_000)
      const again = await importFile(await sandboxFile(fromMs, (lines) => [...lines, 'fee,f_1,,-1,USD,0,2026-02-01,']))
      expect(again.settlement).toMatchObject({ matched: 0, differing: 1, not_compared: 1 })
      expect(await itemsOf(again.settlement.settlement_id, 'differing')).toMatchObject([
        { differences: ['settled_before'] },
      ])
      expect(await settlements.reconcile(first)).toMatchObject({ matched: 1, differing: 0 })
    })

    it('show a charge whose outcome we do not know, and match it once it is found out', async () => {
      const fromMs = await nextDay()
      const input = { amount: 4_001, currency: 'USD', payment_method: card('tok_ok') }
      const { payment_intent_id: id } = await bench.payments.create(input)
      const dying = bench.process({
        faults(point, { kind }) {
          if (point === 'answered' && kind === 'capture') throw new Error('crash')
        },
      })
      await expect(dying.authorize(id)).rejects.toThrow('crash')
      const { settlement } = await importFile(await sandboxFile(fromMs))
      expect(await itemsOf(settlement.settlement_id)).toMatchObject([
        { result: 'differing', differences: ['outcome'], payment_intent_id: id },
      ])
      await bench.recover(60_000)
      expect(await settlements.reconcile(settlement.settlement_id)).toMatchObject({ matched: 1, differing: 0 })
    })

    it('are compared with disputes', async () => {
      const fromMs = await nextDay()
      const id = await paid(5_001)
      const fact = {
        ...{ disputeId: 'dp_settled', paymentIntentId: id, amount: 5_001n, currency: 'USD', reason: 'fraudulent' },
        ...{ reference: 'x', status: 'open' as const, evidenceDueMs: undefined },
      }
      const { store } = bench.ports
      const writer = createPaymentWriter({ store, clock: bench.clock, metrics: bench.database.context.metrics })
      await writer.change({ paymentIntentId: id, command: { type: 'OpenDispute', fact }, actor: 'test' })
      await bench.project()
      const at = new Date(bench.clock.now()).toISOString()
      const lines = [
        ['dispute', 'dp_settled', '', -5_001, 'USD', 1_500, at, ''],
        ['dispute_reversal', 'dp_settled', '', 5_001, 'USD', 0, at, ''],
      ] as const
      const path = await sandboxFile(fromMs, (charges) => [
        ...charges,
        ...lines.map((cells) => csvLine(cells).trimEnd()),
      ])
      const { settlement } = await importFile(path)
      expect(settlement).toMatchObject({ matched: 2, differing: 1 })
      expect(await itemsOf(settlement.settlement_id, 'differing')).toMatchObject([
        { type: 'dispute_reversal', dispute_id: 'dp_settled', differences: ['outcome'], payment_intent_id: id },
      ])
    })

    it('are known by their content: again changes nothing, and an import that was broken off is completed', async () => {
      const fromMs = await nextDay()
      for (let n = 0; n < 3; n++) await paid(6_000 + n)
      const path = await sandboxFile(fromMs)
      let broken = true
      const store = {
        ...bench.ports.settlements,
        async finish(...args: Parameters<typeof bench.ports.settlements.finish>) {
          if (broken) throw new Error('killed')
          await bench.ports.settlements.finish(...args)
        },
      }
      const dying = createSettlements({ store, processors: ['sandbox'], clock: bench.clock })
      await expect(dying.importFile(path, { processor: 'sandbox' })).rejects.toThrow('killed')
      broken = false
      const [half] = (await settlements.list('sandbox')).items
      expect(half).toMatchObject({ status: 'importing', from: null })
      await expect(settlements.reconcile(half!.settlement_id)).rejects.toMatchObject({ code: 'settlement_incomplete' })
      const first = await importFile(path)
      expect(first).toMatchObject({ known: false, settlement: { settlement_id: half!.settlement_id, matched: 3 } })
      const again = await importFile(path)
      expect(again).toEqual({ ...first, known: true, rows_read: 0 })
      expect(await itemsOf(half!.settlement_id)).toHaveLength(3)
    })

    it('name rows that can not be read, with line and reason, and take the others', async () => {
      const rows = [
        'charge,a,,10,USD,0,2026-03-01T10:00:00Z,',
        'charge,a,,1.5,USD,0,2026-03-01,',
        'gift,a,,1,USD,0,2026-03-01,',
        'charge,a,,1,QQQ,0,2026-03-01,',
        'charge,a,,1,USD,0,yesterday,',
        'charge,4242424242424242,,1,USD,0,2026-03-01,',
        'charge,a,,9999999999999999,USD,0,2026-03-01,',
        'charge,a,,1,USD',
      ]
      const bad: BadRow[] = []
      const onBadRow = (row: BadRow) => void bad.push(row)
      const { settlement } = await importFile(await fileOf(HEADING + rows.join('\n')), { onBadRow })
      expect(settlement).toMatchObject({ rows_read: 8, rows_bad: 7, unknown: 1, from: '2026-03-01', to: '2026-03-01' })
      expect(bad.sort((a, b) => a.line - b.line).map(({ line, reason }) => `${line} ${reason.split(' ')[0]}`)).toEqual([
        '3 amount',
        '4 type',
        '5 currency',
        '6 occurred_at',
        '7 reference',
        '8 amount',
        '9 has',
      ])
      const wrong: [string, object, string][] = [
        [await fileOf('a,b\n1,2\n'), {}, 'invalid_input'],
        [join(folder, 'nothing.csv'), {}, 'invalid_input'],
        [await fileOf(HEADING), { processor: 'nobody' }, 'processor_not_found'],
        [await fileOf(HEADING), { from: '2026-03-01' }, 'invalid_input'],
        [await fileOf(HEADING), { map: 'nothing' }, 'invalid_input'],
      ]
      for (const [path, more, code] of wrong) await expect(importFile(path, more)).rejects.toMatchObject({ code })
      for (const read of ['get', 'items', 'reconcile'] as const)
        await expect(settlements[read]('st_no')).rejects.toMatchObject({ code: 'settlement_not_found' })
    })

    it('of Stripe are read by their own columns, in major units and small letters', async () => {
      await nextDay()
      const head = 'balance_transaction_id,created_utc,currency,gross,fee,net,reporting_category,source_id\n'
      const lines = [
        'txn_1,2026-03-01 10:00:00,usd,10.00,0.59,9.41,charge,ch_1',
        'txn_2,2026-03-01 11:00:00,jpy,500,18,482,charge,ch_2',
        'txn_3,2026-03-02 11:00:00,usd,-4.25,0,-4.25,refund,re_1',
        'txn_4,2026-03-02 12:00:00,usd,10.005,0,10,charge,ch_3',
      ]
      const { settlement } = await importFile(await fileOf(head + lines.join('\n')), { map: 'stripe' })
      expect(settlement).toMatchObject({ rows_bad: 1, unknown: 3, from: '2026-03-01', to: '2026-03-02' })
      const items = await itemsOf(settlement.settlement_id)
      expect(items.map(({ reference, amount, fee }) => [reference, amount, fee])).toEqual([
        ['ch_1', 1_000, 59],
        ['ch_2', 500, 18],
        ['re_1', -425, 0],
      ])
    })

    it('are listed newest first, a page at a time', async () => {
      const all: string[] = []
      let cursor: string | undefined
      do {
        const page = await settlements.list(undefined, { limit: 3, cursor })
        all.push(...page.items.map((item) => `${item.created_at} ${item.settlement_id}`))
        cursor = page.next_cursor
      } while (cursor !== undefined)
      expect(all.length).toBeGreaterThan(6)
      expect(all).toEqual([...new Set(all)].sort().reverse())
    })
  })
}
