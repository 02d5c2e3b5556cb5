import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sha256 } from '../../src/core/canonical-json.ts'
import { LIMITS } from '../../src/core/limits.ts'
import type { Logger } from '../../src/core/logger.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { newSealKey, type Seal } from '../../src/log/seal.ts'
import { type SealerDeps, sealNow, startSealer } from '../../src/log/sealer.ts'
import { verifySeals } from '../../src/payments/proof/verify-seals.ts'
import { until } from '../../src/testing/until.ts'
import { keptCopies, publicKeys } from '../setup/payment-proof.ts'
import { openPaymentBench, type PaymentBench } from '../setup/payments.ts'
import { sqlEngines } from '../setup/sql.ts'

/** Events as far as a sealer looks at them: a number, a time and a hash. */
const APPEND = `
insert into payment_events (shard, event_id, payment_intent_id, version, event_type, schema_version, timestamp, payload,
  actor, prev_hash, hash)
select 0, n, 'pi_' || n, 1, 'INITIATED', 1, $3, '{}', 'test', $4, sha256(n::text::bytea)
from generate_series($1::bigint, $2::bigint) as n`

for (const engine of sqlEngines()) {
  describe(`sealing the log of payments on ${engine.name}`, () => {
    let bench: PaymentBench
    let head: bigint
    const key = newSealKey()
    beforeEach(async () => {
      bench = await openPaymentBench(engine)
      head = 0n
    })
    afterEach(() => bench.close())

    async function append(events: number): Promise<void> {
      const from = head + 1n
      head += BigInt(events)
      await bench.sql.query(APPEND, [from, head, new Date(bench.clock.now()), sha256('')])
      await bench.sql.query(`update log_head set last_event_id = $1 where log = 'payments' and shard = 0`, [head])
    }

    const store = () => bench.ports.proof.seals
    const sealer = (more: Partial<SealerDeps> = {}): SealerDeps => ({
      ...{ store: store(), key: async () => key, clock: bench.clock, logger: silentLogger },
      ...more,
    })
    const seals = () => store().list(0, 0, 1_000)
    const ends = async () => (await seals()).map((seal) => Number(seal.eventId))
    const findings = async (keys = publicKeys(key), copies: readonly Seal[] = []) =>
      (await verifySeals({ proof: bench.ports.proof, keys, copies: async () => copies })).findings

    /** A logger that keeps the words of errors. */
    function listening(): { logger: Logger; said: string[] } {
      const said: string[] = []
      return { said, logger: { ...silentLogger, error: (_fields: object, text: string) => void said.push(text) } }
    }

    it('seals whole lots at once, and the rest when its first event has waited long enough', async () => {
      await append(2 * LIMITS.sealEveryEvents + 5)
      expect(await sealNow(sealer())).toBe(2)
      expect(await ends()).toEqual([LIMITS.sealEveryEvents, 2 * LIMITS.sealEveryEvents])
      await bench.clock.advance(LIMITS.sealEveryMs - 1)
      await append(1)
      expect(await sealNow(sealer())).toBe(0)
      await bench.clock.advance(1)
      expect(await sealNow(sealer())).toBe(1)
      expect((await ends()).at(-1)).toBe(Number(head))
      expect(await sealNow(sealer())).toBe(0)
      expect(await findings()).toEqual([])
    })

    it('makes one chain of seals of many sealers at once, of different keys', async () => {
      const keys = [newSealKey(), newSealKey(), newSealKey()]
      for (let round = 0; round < 5; round++) {
        await append(LIMITS.sealEveryEvents + 7)
        const added = await Promise.all(keys.map((each) => sealNow(sealer({ key: async () => each }), { all: true })))
        expect(added.reduce((sum, count) => sum + count)).toBeGreaterThan(0)
      }
      while ((await sealNow(sealer({ key: async () => keys[0]! }), { all: true })) > 0);
      const all = await seals()
      expect(all.map((seal) => seal.number)).toEqual(all.map((_, index) => index + 1))
      expect((await ends()).at(-1)).toBe(Number(head))
      expect(await findings(publicKeys(...keys))).toEqual([])
      const unknown = (await findings(publicKeys(keys[0]!))).map((finding) => finding.kind)
      expect(unknown).toHaveLength(all.filter((seal) => seal.keyId !== keys[0]!.id).length)
    })

    it('copies what a sealer that died had sealed but not copied', async () => {
      const copies = keptCopies()
      const dying = { ...copies, append: () => Promise.reject(new Error('died')) }
      await append(10)
      const { logger, said } = listening()
      await sealNow(sealer({ copies: dying, logger }), { all: true })
      expect(said).toEqual(['died'])
      expect([await ends(), copies.seals]).toEqual([[10], []])
      await append(10)
      await sealNow(sealer({ copies }), { all: true })
      expect(copies.seals.map((seal) => Number(seal.eventId))).toEqual([10, 20])
      expect(await findings(publicKeys(key), copies.seals)).toEqual([])
    })

    it('seals nothing beyond a gap, and says so', async () => {
      await append(10)
      await sealNow(sealer(), { all: true })
      head += 1n
      await append(5)
      const { logger, said } = listening()
      expect(await sealNow(sealer({ logger }), { all: true })).toBe(0)
      expect(said).toEqual([expect.stringContaining('event 12 after 10 in shard 0')])
      expect((await findings()).map(({ kind, event_id }) => [kind, event_id])).toEqual([['event_missing', '11']])
    })

    it('seals nothing more where the database has lost a seal that was copied, or has another', async () => {
      const copies = keptCopies()
      for (let round = 0; round < 2; round++) {
        await append(10)
        await sealNow(sealer({ copies }), { all: true })
      }
      await bench.sql.query('alter table log_seals disable trigger all')
      await bench.sql.query('delete from log_seals where seal_number = 2')
      const { logger, said } = listening()
      expect(await sealNow(sealer({ copies, logger }), { all: true })).toBe(0)
      expect(said).toEqual([expect.stringContaining('no seal 2, of which there is a copy in shard 0')])
      await bench.clock.advance(1_000)
      // A sealer on a host without copies knows nothing of that.
      expect(await sealNow(sealer(), { all: true })).toBe(1)
      await append(10)
      expect(await sealNow(sealer({ copies, logger }), { all: true })).toBe(0)
      expect(said.at(-1)).toContain('another seal 2 than that of which there is a copy in shard 0')
      expect(copies.seals).toHaveLength(2)
      expect((await findings(publicKeys(key), copies.seals)).map(({ kind }) => kind)).toEqual(['seal_replaced'])
    })

    it('refuses that a seal is changed', async () => {
      await append(1)
      await sealNow(sealer(), { all: true })
      for (const statement of ['update log_seals set event_id = 2', 'delete from log_seals', 'truncate log_seals'])
        await expect(bench.sql.query(statement)).rejects.toThrow(/append-only/)
      const [seal] = await seals()
      expect(await store().add({ ...seal!, eventId: 2n })).toBe(false)
    })

    it('goes on in the background until closed', async () => {
      await append(LIMITS.sealEveryEvents)
      const running = startSealer(sealer())
      await until('a seal', async () => (await seals()).length === 1)
      await running.close()
    })
  })
}
