import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { FollowStore, StoredRelation } from '../social/ports.ts'
import type { StoreHarness } from './social-values.ts'

const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute))
const MANY = 1_000

/** The promises of {@link FollowCopies}, for any engine. */
export function testFollowCopies(name: string, create: () => Promise<StoreHarness<FollowStore>>): void {
  describe(`copies of follows on ${name}`, () => {
    let harness: StoreHarness<FollowStore>
    let follows: FollowStore

    beforeAll(async () => {
      harness = await create()
      follows = harness.store
    })
    afterAll(() => harness.close())

    const edge = (followerId: string, followeeId: string) => ({ followerId, followeeId })

    it('have every kind of relation, with its times', async () => {
      await follows.follow(edge('ann', 'bob'), at(1), MANY)
      await follows.follow(edge('ann', 'cyd'), at(2), MANY)
      await follows.backfilled([edge('ann', 'cyd')], at(3))
      await follows.follow(edge('ann', 'dan'), at(4), MANY)
      await follows.unfollow(edge('ann', 'dan'), at(5))
      await follows.block('ann', 'eve', at(6))
      await follows.mute('ann', 'eve', at(7))
      await follows.mute('ann', 'bob', at(8))
      await follows.follow(edge('bob', 'ann'), at(9), MANY)
      expect(await follows.outgoing('ann', undefined, 10)).toEqual([
        { otherId: 'bob', follows: { since: at(1), pending: true }, mutedAt: at(8) },
        { otherId: 'cyd', follows: { since: at(2), pending: false } },
        { otherId: 'dan', keptUntil: at(5) },
        { otherId: 'eve', blockedAt: at(6), mutedAt: at(7) },
      ])
      expect(await follows.outgoing('nobody', undefined, 10)).toEqual([])
    })

    it('come in pages, in the order of bytes', async () => {
      for (const other of ['B', 'a', 'Z', 'z-1']) await follows.block('pages', other, at(1))
      const first = await follows.outgoing('pages', undefined, 3)
      expect(first.map(({ otherId }) => otherId)).toEqual(['B', 'Z', 'a'])
      const rest = await follows.outgoing('pages', first.at(-1)?.otherId, 3)
      expect(rest.map(({ otherId }) => otherId)).toEqual(['z-1'])
    })

    it('can be asked for by pair', async () => {
      await follows.follow(edge('pair', 'one'), at(1), MANY)
      await follows.block('pair', 'two', at(2))
      const found = await follows.outgoingTo('pair', ['two', 'one', 'three'])
      expect(new Map(found.map((relation) => [relation.otherId, relation]))).toEqual(
        new Map<string, StoredRelation>([
          ['one', { otherId: 'one', follows: { since: at(1), pending: true } }],
          ['two', { otherId: 'two', blockedAt: at(2) }],
        ]),
      )
      expect(await follows.outgoingTo('pair', [])).toEqual([])
    })

    it('are restored exactly, whatever was there', async () => {
      await follows.follow(edge('back', 'gone'), at(1), MANY)
      await follows.block('back', 'gone', at(1))
      await follows.mute('back', 'other', at(1))
      await follows.follow(edge('back', 'kept'), at(1), MANY)
      await follows.follow(edge('back', 'left-alone'), at(1), MANY)
      const wanted: StoredRelation[] = [
        { otherId: 'kept', keptUntil: at(2) },
        { otherId: 'other', follows: { since: at(3), pending: true }, mutedAt: at(4) },
        { otherId: 'ready', follows: { since: at(5), pending: false }, blockedAt: at(6) },
      ]
      for (let repeated = 0; repeated < 2; repeated++) {
        await follows.restore('back', [{ otherId: 'gone' }, ...wanted])
        expect(await follows.outgoing('back', undefined, 10)).toEqual([
          wanted[0],
          { otherId: 'left-alone', follows: { since: at(1), pending: true } },
          ...wanted.slice(1),
        ])
      }
      expect(await follows.followerIds([{ userId: 'other' }, { userId: 'gone' }], 10)).toEqual([['back'], []])
      const pending = await follows.pendingBackfills(at(60), 100)
      expect(pending.filter(({ followerId }) => followerId === 'back')).toHaveLength(2)
      expect((await follows.relations('ready', ['back'])).get('back')?.blocked).toBe(true)
    })

    it('of a user who is erased are gone', async () => {
      await follows.restore('erased', [{ otherId: 'x', follows: { since: at(1), pending: true }, mutedAt: at(1) }])
      while ((await follows.erase('erased', 10)) > 0);
      expect(await follows.outgoing('erased', undefined, 10)).toEqual([])
    })
  })
}
