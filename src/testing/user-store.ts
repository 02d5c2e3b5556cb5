import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { UserStore } from '../social/ports.ts'
import { aUser, fingerprint, later, NOON, type StoreHarness, withPlainBytes } from './social-values.ts'

/** The promises of {@link UserStore}, for any engine. */
export function testUserStore(name: string, create: () => Promise<StoreHarness<UserStore>>): void {
  describe(`user store on ${name}`, () => {
    let users: UserStore
    let close: () => Promise<void>
    beforeAll(async () => {
      const harness = await create()
      users = harness.store
      close = () => harness.close()
    })
    afterAll(() => close())

    const found = async (...ids: string[]) => (await users.find(ids)).map((user) => user.userId).sort()

    it('gives back what was stored', async () => {
      const user = aUser('stored', { handle: 'Stored_1', name: 'Zoë "the" \\ O’Neil' })
      expect(await users.insert(user)).toEqual({ kind: 'created' })
      expect(await users.find(['stored', 'nobody'])).toEqual([user])
    })

    it('names what is taken, and compares handles whatever their case', async () => {
      await users.insert(aUser('taken', { handle: 'Taken' }))
      expect(await users.insert(aUser('taken', { handle: 'other' }))).toEqual({ kind: 'taken', field: 'user_id' })
      expect(await users.insert(aUser('other', { handle: 'tAKEN' }))).toEqual({ kind: 'taken', field: 'handle' })
      expect(await found('other')).toEqual([])
    })

    it('finds users by their handles, whatever the case they were given in', async () => {
      await users.insert(aUser('by-handle-1', { handle: 'Find_Me' }))
      await users.insert(aUser('by-handle-2', { handle: 'hidden' }))
      await users.markErasing('by-handle-2', NOON)
      await users.remove('by-handle-2')
      expect((await users.findByHandles(['find_me', 'hidden', 'nobody'])).map((user) => user.userId)).toEqual([
        'by-handle-1',
      ])
      expect(await users.findByHandles(['Find_Me'])).toEqual([])
      expect(await users.findByHandles([])).toEqual([])
    })

    it('lists users by the beginning of their handles, in order, whatever their case', async () => {
      const handles = ['Walk_b', 'walk_A', 'WALK_10', 'walk_9', 'walk__', 'walkB', 'walk']
      for (const [n, handle] of handles.entries()) await users.insert(aUser(`walker-${n}`, { handle }))
      await users.insert(aUser('walker-gone', { handle: 'walk_gone' }))
      await users.markErasing('walker-gone', NOON)
      expect((await users.list('walk_g', undefined, 2)).map((user) => user.userId)).toEqual([])
      await users.remove('walker-gone')
      const walked: string[] = []
      for (let after: string | undefined; ; ) {
        const page = await users.list('walk_', after, 2)
        walked.push(...page.map((user) => user.handle))
        if (page.length < 2) break
        after = page[1]!.handle.toLowerCase()
      }
      expect(walked).toEqual(['WALK_10', 'walk_9', 'walk__', 'walk_A', 'Walk_b'])
      expect((await users.list('walk', undefined, 2)).map((user) => user.handle)).toEqual(['walk', 'WALK_10'])
      expect((await users.list('', 'walk_a', 2)).map((user) => user.handle)).toEqual(['Walk_b', 'walkB'])
      for (const none of ['walk%', 'WALK', 'wälk', 'walk_10~']) expect(await users.list(none, undefined, 2)).toEqual([])
    })

    it('makes one user per idempotency key and scope', async () => {
      const key = { scope: 'app', key: 'k1', fingerprint: fingerprint(1) }
      await users.insert({ ...aUser('keyed'), idempotency: key })
      const repeat = await users.insert({
        ...aUser('keyed-again'),
        idempotency: { ...key, fingerprint: fingerprint(2) },
      })
      expect(withPlainBytes(repeat)).toEqual({ kind: 'repeated', user: aUser('keyed'), fingerprint: fingerprint(1) })
      expect(await users.insert({ ...aUser('keyed-too'), idempotency: { ...key, scope: 'web' } })).toEqual({
        kind: 'created',
      })
    })

    it('lets one of many simultaneous users have a handle', async () => {
      const tries = Array.from({ length: 10 }, (_, n) => users.insert(aUser(`racer-${n}`, { handle: 'racer' })))
      const kinds = (await Promise.all(tries)).map((outcome) => outcome.kind)
      expect(kinds.filter((kind) => kind === 'created')).toHaveLength(1)
    })

    it('adds many and skips those whose id or handle is taken', async () => {
      await users.insert(aUser('m1'))
      const batch = [aUser('m1'), aUser('m2'), aUser('m3', { handle: 'M1' }), aUser('m4')]
      expect((await users.insertMany(batch)).sort()).toEqual(['m2', 'm4'])
      expect(await users.insertMany(batch)).toEqual([])
      expect(await found('m1', 'm2', 'm3', 'm4')).toEqual(['m1', 'm2', 'm4'])
    })

    it('lists ids byte by byte', async () => {
      for (const id of ['order-b', 'order-B', 'order-_', 'order-10', 'order-9'])
        await users.insert(aUser(id, { handle: `h${id.codePointAt(6)}` }))
      const walked: string[] = []
      for (let after: string | undefined = 'order-'; ; ) {
        const page: string[] = await users.ids(after, 2)
        walked.push(...page.filter((id) => id.startsWith('order-')))
        after = page.at(-1)
        if (after === undefined || page.length < 2) break
      }
      expect(walked).toEqual(['order-10', 'order-9', 'order-B', 'order-_', 'order-b'])
    })

    it('forgets the name and handle of an erased user at once, and the id at the end', async () => {
      await users.insert({
        ...aUser('erased'),
        idempotency: { scope: 's', key: 'erased', fingerprint: fingerprint(3) },
      })
      expect(await users.markErasing('erased', NOON)).toBe(true)
      expect(await users.markErasing('erased', later(5_000))).toBe(true)
      expect(await users.markErasing('never-was', NOON)).toBe(false)
      expect(await found('erased')).toEqual([])
      expect(await users.ids('erase', 1)).not.toEqual(['erased'])
      expect(await users.insert(aUser('new-owner', { handle: 'erased' }))).toEqual({ kind: 'created' })
      expect(await users.insert(aUser('erased', { handle: 'x1' }))).toEqual({ kind: 'taken', field: 'user_id' })
      expect(await users.erasing(NOON, 10)).toEqual([])
      expect(await users.erasing(later(1), 10)).toEqual(['erased'])
      await users.remove('erased')
      expect(await users.erasing(later(1), 10)).toEqual([])
      expect(await users.insert(aUser('erased', { handle: 'x2' }))).toEqual({ kind: 'created' })
    })

    it('does not remove a user who is not being erased', async () => {
      await users.insert(aUser('kept'))
      await users.remove('kept')
      expect(await found('kept')).toEqual(['kept'])
    })
  })
}
