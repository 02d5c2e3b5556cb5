import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { EventRow } from '../../src/engines/postgres/payment-rows.ts'
import { newSealKey, type Seal, sealHash, signSeal } from '../../src/log/seal.ts'
import { sealNow } from '../../src/log/sealer.ts'
import type { ProofFinding } from '../../src/payments/proof/findings.ts'
import { openProof, openTampering } from '../setup/payment-proof.ts'
import { card, openPaymentBench, type PaymentBench } from '../setup/payments.ts'
import { sqlEngines } from '../setup/sql.ts'

const key = () => ({ idempotencyKey: randomUUID() })
const EVENTS = 5

type Place = Partial<ProofFinding>

for (const engine of sqlEngines()) {
  describe(`the proof of payments on ${engine.name}`, () => {
    let bench: PaymentBench
    let proof: ReturnType<typeof openProof>
    let tampering: ReturnType<typeof openTampering>
    /** The shard with the most events, its events, and the payment of its third event or later. */
    let shard: number
    let rows: EventRow[]

    async function paid(): Promise<void> {
      const input = { amount: 1_000, currency: 'USD', customer_id: 'c-1', payment_method: card('tok_ok') }
      const { payment_intent_id: id } = await bench.payments.create(input, key())
      await bench.payments.authorize(id, {}, key())
    }

    beforeAll(async () => {
      bench = await openPaymentBench(engine)
      proof = openProof(bench)
      tampering = openTampering(bench)
      for (let n = 0; n < 12; n++) {
        await paid()
        await bench.clock.advance(1_000)
        await proof.seal()
      }
      await bench.project()
      await tampering.begin()
      const shards = await Promise.all(
        (await bench.ports.log.heads()).map(async (_, index) => ({ index, rows: await tampering.events(index) })),
      )
      const fullest = shards.toSorted((a, b) => b.rows.length - a.rows.length)[0]!
      shard = fullest.index
      rows = fullest.rows
    })
    afterEach(() => tampering.undo())
    afterAll(() => bench.close())

    /** The same places in the database and in an export made afterwards. */
    async function expectNamed(...places: Place[]): Promise<void> {
      const { findings } = await proof.inDatabase()
      const offline = await proof.offline()
      expect(offline.ok).toBe(false)
      for (const place of places) {
        expect(offline.findings).toContainEqual(expect.objectContaining(place))
        // The events of a payment are looked at by verifyPayments, which names the same place in words.
        if (place.kind !== 'event_changed') expect(findings).toContainEqual(expect.objectContaining(place))
      }
    }

    const placeOf = (row: EventRow): Place => ({
      ...{ kind: 'event_changed', subject: row.payment_intent_id, shard, event_id: String(row.event_id) },
      ...{ payment_intent_id: row.payment_intent_id, version: row.version },
    })
    /** The seals around an event: each payment was sealed by itself. */
    const around = (index: number): Place => {
      const from = index - (index % EVENTS)
      return { kind: 'log_rewritten', shard, event_id: String(from + 1), to_event_id: String(from + EVENTS) }
    }
    const forge = (row: EventRow): EventRow => ({ ...row, payload: { ...row.payload, amount: 900 } })

    it('finds nothing where all is as it was written', async () => {
      const { findings, differences, ...figures } = await proof.inDatabase()
      expect({ findings, differences }).toEqual({ findings: [], differences: [] })
      expect(figures).toEqual({ seals: 12, seal_copies: 12, sealed_events: 60, unsealed_events: 0 })
      expect(await proof.offline()).toEqual({
        ...{ ok: true, payments: 12, events: 60, seals: 12, sealed_events: 60, signatures_checked: true, findings: [] },
        shards: (await bench.ports.log.heads()).length,
      })
    })

    it('names an event whose payload was edited', async () => {
      const row = rows[6]!
      await bench.sql.query(
        `update payment_events set payload = payload || '{"amount": 900}' where shard = $1 and event_id = $2`,
        [shard, row.event_id],
      )
      await expectNamed(placeOf(row))
      const { differences } = await proof.inDatabase()
      const problem = `version 2 (${row.event_type}, event 7 of shard ${shard}) is not as it was written`
      expect(differences).toContainEqual({ subject: row.payment_intent_id, problem })
    })

    it('names an event that was edited together with its hash, by the event after it and by its seal', async () => {
      const changed = rows.with(6, forge(rows[6]!))
      await tampering.rewrite(shard, changed)
      const { hash } = (await tampering.events(shard))[6]!
      await tampering.undo()
      await bench.sql.query(
        `update payment_events set payload = payload || '{"amount": 900}', hash = $3 where shard = $1 and event_id = $2`,
        [shard, rows[6]!.event_id, hash],
      )
      await expectNamed(placeOf(rows[7]!), around(6))
    })

    it('names the seal over an event that was edited, with all hashes behind it and the head made anew', async () => {
      await tampering.rewrite(shard, rows.with(6, forge(rows[6]!)))
      await expectNamed(around(6))
      const { findings } = await proof.offline()
      expect(findings).toHaveLength(1)
    })

    it('names each of two edits, one not hidden by the other', async () => {
      await tampering.rewrite(shard, rows.with(1, forge(rows[1]!)).with(11, forge(rows[11]!)))
      await expectNamed(around(1), around(11))
      expect((await proof.offline()).findings).toHaveLength(2)
    })

    it('names an event that was deleted', async () => {
      await bench.sql.query('delete from payment_events where shard = $1 and event_id = 8', [shard])
      const missing = { kind: 'event_missing', shard, event_id: '8', to_event_id: '8' } as const
      await expectNamed(missing, placeOf(rows[8]!))
      const { differences } = await proof.inDatabase()
      expect(differences).toContainEqual({ subject: rows[7]!.payment_intent_id, problem: 'version 3 is missing' })
    })

    it('names where an event was taken out and the gap closed', async () => {
      await tampering.rewrite(shard, rows.toSpliced(7, 1))
      await expectNamed(around(7), { kind: 'log_cut', shard, event_id: String(rows.length) })
    })

    it('names where a forged event was put in', async () => {
      const forged = { ...rows[0]!, payment_intent_id: `${rows[0]!.payment_intent_id}x` }
      await tampering.rewrite(shard, rows.toSpliced(7, 0, forged))
      await expectNamed(around(7))
    })

    it('names where two events changed places', async () => {
      await tampering.rewrite(shard, rows.with(4, rows[5]!).with(5, rows[4]!))
      await expectNamed(around(4), around(5))
    })

    it('names a tail that was cut off, heads and all', async () => {
      await tampering.rewrite(shard, rows.slice(0, -2))
      const place = { event_id: String(rows.length - 1), to_event_id: String(rows.length) }
      await expectNamed({ kind: 'log_cut', shard, ...place })
    })

    it('names a tail that was cut off together with its seals, by their copies', async () => {
      await tampering.rewrite(shard, rows.slice(0, -EVENTS))
      const sealNumber = rows.length / EVENTS
      await bench.sql.query('delete from log_seals where shard = $1 and seal_number = $2', [shard, sealNumber])
      await expectNamed(
        { kind: 'seal_missing', shard, seal_number: sealNumber },
        { kind: 'log_cut', shard, to_event_id: String(rows.length) },
      )
      expect((await proof.offline({ keys: proof.keys })).findings).toEqual([])
    })

    /** All written anew, and sealed with a key that is not the sealer's. */
    async function rewriteAll(): Promise<void> {
      await tampering.rewrite(shard, rows.map(forge))
      const seals = await bench.ports.proof.seals.list(shard, 0, 100)
      await bench.sql.query('delete from log_seals where shard = $1', [shard])
      const thief = newSealKey()
      let previous: Uint8Array = new Uint8Array(32)
      for (const { keyId: _keyId, signature: _signature, ...seal } of seals) {
        const forged = signSeal({ ...seal, previous, chainHash: new Uint8Array(32).fill(seal.number) }, thief)
        await bench.ports.proof.seals.add(forged)
        previous = sealHash(forged)
      }
    }

    it('names a log that was written anew with seals of another key', async () => {
      await rewriteAll()
      await expectNamed(
        { kind: 'seal_untrusted', shard, seal_number: 1 },
        { kind: 'seal_replaced', shard, seal_number: 1 },
        ...rows.map((_, index) => around(index)),
      )
      const alone = await proof.offline({ keys: proof.keys })
      expect(alone.findings).toContainEqual(expect.objectContaining({ kind: 'seal_untrusted', seal_number: 1 }))
    })

    it('names a log that was written anew without seals', async () => {
      await rewriteAll()
      await bench.sql.query('delete from log_seals where shard = $1', [shard])
      await expectNamed({ kind: 'seal_missing', shard, seal_number: 1 }, around(0))
      const alone = await proof.offline({ keys: proof.keys })
      const all = { event_id: '1', to_event_id: String(rows.length) }
      expect(alone.findings).toEqual([expect.objectContaining({ kind: 'not_sealed', shard, ...all })])
    })

    it('names a log that was written anew and sealed again with the right key, by the copies', async () => {
      await tampering.rewrite(shard, rows.map(forge))
      await bench.sql.query('delete from log_seals where shard = $1', [shard])
      expect(await proof.seal()).toBe(0)
      // A sealer that has no copies seals what it finds.
      await bench.clock.advance(1_000)
      await sealNow({ ...proof.deps, copies: undefined }, { all: true })
      await expectNamed({ kind: 'seal_replaced', shard, seal_number: 1 }, around(0))
      expect((await proof.offline({ keys: proof.keys })).findings).toEqual([])
    })

    const sealEdits: [what: string, statement: string, kind: string][] = [
      ['a seal with another time', `update log_seals set sealed_at = sealed_at + interval '1 s'`, 'seal_forged'],
      [`a seal with the name of another key`, `update log_seals set key_id = 'x'`, 'seal_untrusted'],
      ['a seal that is missing', 'delete from log_seals', 'seal_missing'],
    ]
    for (const [what, statement, kind] of sealEdits) {
      it(`names ${what}, also without copies`, async () => {
        await bench.sql.query(`${statement} where shard = $1 and seal_number = 1`, [shard])
        const place = expect.objectContaining({ kind, shard, seal_number: 1 })
        expect((await proof.inDatabase([])).findings).toContainEqual(place)
        expect((await proof.offline({ keys: proof.keys })).findings).toContainEqual(place)
      })
    }

    it('names copies of a shard that is not there', async () => {
      const [copy] = proof.copies.seals
      const alien: Seal = { ...copy!, shard: 999 }
      const place = expect.objectContaining({ kind: 'seal_missing', shard: 999 })
      expect((await proof.inDatabase([alien])).findings).toContainEqual(place)
      expect((await proof.offline({ keys: proof.keys, copies: [alien] })).findings).toContainEqual(place)
    })

    it('looks at the chain, but at no signature, when no key is given', async () => {
      await bench.sql.query(`update log_seals set key_id = 'x' where shard = $1 and seal_number = 1`, [shard])
      await tampering.rewrite(shard, rows.with(1, forge(rows[1]!)))
      const { findings, signatures_checked } = await proof.offline({})
      expect(signatures_checked).toBe(false)
      expect(findings.map(({ kind }) => kind).sort()).toEqual(['log_rewritten', 'seal_replaced'])
    })
  })

  describe(`the proof of payments that are being written on ${engine.name}`, () => {
    it('finds nothing, whatever is read when, and the sealers agree', { timeout: 60_000 }, async () => {
      const bench = await openPaymentBench(engine)
      try {
        const proof = openProof(bench)
        let isWriting = true
        const write = async () => {
          for (let n = 0; n < 25; n++) {
            const input = { amount: 1_000, currency: 'USD', payment_method: card('tok_ok') }
            const { payment_intent_id: id } = await bench.payments.create(input, key())
            await bench.payments.authorize(id, {}, key())
          }
        }
        const seal = async () => {
          while (isWriting) await proof.seal()
        }
        const found: unknown[] = []
        const look = async () => {
          while (isWriting) {
            const { findings, differences } = await proof.inDatabase([...proof.copies.seals])
            const copies = [...proof.copies.seals]
            found.push(...findings, ...differences, ...(await proof.offline({ keys: proof.keys, copies }, 0)).findings)
          }
        }
        const others = [seal(), seal(), seal(), look()]
        await Promise.all([write(), write(), write(), write()])
        isWriting = false
        await Promise.all(others)
        await proof.seal()
        expect(found).toEqual([])
        const { findings, ...figures } = await proof.inDatabase()
        expect(findings).toEqual([])
        expect(figures).toMatchObject({ sealed_events: 500, unsealed_events: 0 })
        expect(figures.seals).toBeGreaterThan(4)
      } finally {
        await bench.close()
      }
    })
  })
}
