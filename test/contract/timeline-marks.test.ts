import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { markOf, parseMark } from '../../src/engines/postgres/timeline-mark.ts'
import { openTimelineStore } from '../../src/engines/postgres/timeline-store.ts'
import type { TimelineStore } from '../../src/social/ports.ts'
import { createGate } from '../../src/testing/gate.ts'
import { sqlEngines, type TestDatabase } from '../setup/sql.ts'

describe('marks of timelines in SQL', () => {
  it('hold a snapshot, or where it begins when it is too long', () => {
    for (const snapshot of ['100:100:', '100:104:100,102', '9999999:9999999:', '4294967299:4294967310:4294967299']) {
      const xmin = BigInt(snapshot.split(':')[0]!)
      expect(parseMark(markOf(7n, snapshot))).toEqual({ epoch: 7n, xmin, snapshot })
    }
    const running = Array.from({ length: 40 }, (_, n) => 100 + n).join(',')
    expect(markOf(7n, `100:140:${running}`)).toBe('7.100')
    expect(parseMark('7.100')).toEqual({ epoch: 7n, xmin: 100n, snapshot: '100:100:' })
  })

  it('are none when PostgreSQL would not take them', () => {
    const forged = [
      '',
      '7',
      '7.x',
      '7.100.',
      '7.0',
      '7.4294967296',
      '7.4294967295.1',
      '7.100.3.3',
      '7.100.3.2.1',
      '7.9.1.1',
    ]
    expect(forged.filter((mark) => parseMark(mark) !== undefined)).toEqual([])
  })

  for (const engine of sqlEngines().filter(({ name }) => name === 'postgres')) {
    describe(`on ${engine.name}`, () => {
      let database: TestDatabase
      let timelines: TimelineStore
      beforeEach(async () => {
        database = await engine.create()
        timelines = await openTimelineStore(database.sql, database.context)
        await timelines.install('u', await timelines.begin('u'), [], 0n)
      })
      afterEach(() => database.drop())

      const markNow = async () => (await timelines.read('u', undefined, 1))!.mark
      const idsSince = async (mark: string) => {
        const arrivals = await timelines.since('u', mark)
        return arrivals.kind === 'arrived' ? arrivals.postIds : arrivals.kind
      }

      it('tell nothing again while somebody has had a transaction open for long', async () => {
        const [open, end] = [createGate(), createGate()]
        const slow = database.sql.transaction(async (tx) => {
          await tx.query('select pg_current_xact_id()')
          open.open()
          await end.opened
        })
        await open.opened
        try {
          for (const postId of [1n, 2n, 3n]) await timelines.append(postId, ['u'])
          const mark = await markNow()
          await timelines.append(4n, ['u'])
          expect(await idsSince(mark)).toEqual([4n])
        } finally {
          end.open()
          await slow
        }
      })

      it('tell what was under way when they were made', async () => {
        const [open, end] = [createGate(), createGate()]
        const slow = database.sql.transaction(async (tx) => {
          await tx.query(
            `insert into user_feed_timeline (user_id, post_id, arrived)
             values ('u', 5, pg_current_xact_id()::text::bigint)`,
          )
          open.open()
          await end.opened
        })
        await open.opened
        await timelines.append(6n, ['u'])
        const mark = await markNow()
        end.open()
        await slow
        await timelines.append(7n, ['u'])
        expect(await idsSince(mark)).toEqual([7n, 5n])
      })
    })
  }
})
