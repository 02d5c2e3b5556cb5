import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openSocial, type SocialUnderTest } from '../setup/social.ts'
import { sqlEngines } from '../setup/sql.ts'

for (const engine of sqlEngines()) {
  describe(`suggestions of the social model on ${engine.name}`, () => {
    let under: SocialUnderTest
    beforeAll(async () => {
      under = await openSocial(engine)
      await under.people('sam', 'hub', 'far')
    })
    afterAll(() => under.close())

    it('leave out who is not there any more', async () => {
      const { social, deps } = under
      await social.follow('sam', 'hub')
      await social.follow('hub', 'far')
      await deps.follows.followMany([{ followerId: 'hub', followeeId: 'ghost' }], new Date())
      const stored = await deps.follows.suggestions('sam', 10)
      expect(stored.map(({ userId }) => userId)).toEqual(['far', 'ghost'])
      expect(await social.suggestions('sam')).toEqual({
        items: [{ user_id: 'far', handle: 'far', name: 'far', through: 1 }],
      })
    })

    it('refuse a limit that is none, and a user who is not there', async () => {
      for (const limit of [0, 1.5, Number.NaN]) {
        await expect(under.social.suggestions('sam', { limit })).rejects.toMatchObject({ code: 'invalid_input' })
      }
      await expect(under.social.suggestions('never')).rejects.toMatchObject({ code: 'user_not_found' })
      await expect(under.social.suggestions('no id')).rejects.toMatchObject({ code: 'invalid_input' })
    })
  })
}
