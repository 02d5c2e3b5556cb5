import type { Locator, Page } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { type ConsoleTab, PHONE, type Theme, WIDE } from './browser.ts'
import type { World } from './world.ts'

/** More than a stream tells at once. */
const MANY = 110

export function socialTests(world: () => World): void {
  describe('social', () => {
    const follow = (user_id: string, followee_id: string) =>
      world().client.put('/v1/users/{user_id}/follows/{followee_id}', { params: { path: { user_id, followee_id } } })
    const publish = (user_id: string, text: string) =>
      world().client.post('/v1/posts', { body: { user_id, content: { text } } })
    const readPost = (post_id: string) => world().client.get('/v1/posts/{post_id}', { params: { path: { post_id } } })
    const text = (page: Page, words: string) => page.getByRole('article').getByText(words, { exact: true })

    /** The home timeline of a user, with its stream open. */
    async function openHome(userId: string, name: string): Promise<ConsoleTab> {
      const tab = await world().open()
      await tab.go(`/social/${userId}`, name)
      await tab.page.getByText('Live', { exact: true }).waitFor()
      return tab
    }

    /** What a dialog asks fails once, which is said in it. */
    async function refuseDelete(page: Page, url: string, press: () => Promise<void>): Promise<void> {
      const problem = { type: 'about:blank', title: 'It broke', detail: 'Here', instance: 'x' }
      await page.route(url, (route) =>
        route.request().method() === 'DELETE'
          ? route.fulfill({ status: 500, json: { ...problem, status: 500, code: 'internal_error' } })
          : route.fallback(),
      )
      await press()
      await page.getByRole('dialog').getByRole('alert').filter({ hasText: 'It broke' }).waitFor()
      await page.unroute(url)
    }

    beforeAll(async () => {
      for (const [user_id, name] of [
        ['tess', 'Tess Author'],
        ['tim', 'Tim Reader'],
        ['tom', 'Tom Other'],
        ['tina', 'Tina Quoter'],
      ] as const)
        await world().client.post('/v1/users', { body: { user_id, handle: `${user_id}_test`, name } })
      await follow('tim', 'tess')
      await follow('tess', 'tom')
    })

    it('finds a user by the beginning of the handle', async () => {
      const tab = await world().open()
      await tab.go('/social', 'Social')
      const search = tab.page.getByLabel('Handle begins with')
      await search.fill('nobody_has_this')
      await tab.page.getByText('No handle begins with “nobody_has_this”').waitFor()
      await search.fill('TESS_')
      await tab.page.getByRole('link', { name: '@tess_test' }).click()
      await tab.page.getByRole('heading', { level: 1, name: 'Tess Author' }).waitFor()
      await tab.page.getByRole('link', { name: 'Choose another user' }).click()
      await tab.page.getByRole('link', { name: 'tess', exact: true }).waitFor()
      tab.expectSober()
      await tab.close()
    })

    it('publishes a post, which comes live to a follower and is shown on demand', async () => {
      const author = await openHome('tess', 'Tess Author')
      const reader = await openHome('tim', 'Tim Reader')
      const box = author.page.getByLabel('What tess says')
      await author.page.getByRole('button', { name: 'Publish' }).click()
      await author.page.locator('.field-error').waitFor()
      await box.fill('x'.repeat(5_001))
      await author.page.getByText('5,001 of 5,000 characters').waitFor()
      await author.page.getByRole('button', { name: 'Publish' }).click()
      await author.page.locator('.field-error').filter({ hasText: '5000' }).waitFor()
      expect(await box.inputValue()).toHaveLength(5_001)
      await box.fill('Live from the console #consoletest')
      await author.page.getByRole('button', { name: 'Add a medium' }).click()
      await author.page.getByLabel('URL').fill('no address')
      await author.page.getByLabel('Description (alt)').fill('A folded paper')
      await author.page.getByRole('button', { name: 'Publish' }).click()
      await author.page.locator('.medium .field-error').waitFor()
      await author.page.getByLabel('URL').fill('https://media.example.com/fold.jpg')
      await author.page.getByRole('button', { name: 'Publish' }).click()
      await author.page.getByRole('link', { name: 'A folded paper' }).waitFor()
      expect(await box.inputValue()).toBe('')

      const show = reader.page.getByRole('button', { name: 'Show 1 new post' })
      await show.waitFor()
      expect(await reader.page.getByRole('link', { name: '#consoletest' }).count()).toBe(0)
      await show.click()
      await reader.page.getByRole('link', { name: 'A folded paper' }).waitFor()
      await reader.page.getByRole('link', { name: '#consoletest' }).click()
      await reader.page.getByRole('heading', { level: 1, name: '#consoletest' }).waitFor()
      await reader.page.getByRole('article', { name: 'Post of tess' }).getByText('A folded paper').waitFor()
      for (const tab of [author, reader]) {
        tab.expectSober()
        await tab.close()
      }
    })

    it('likes, comments, edits and deletes, as the API tells afterwards', async () => {
      const { post_id } = await publish('tess', 'First words')
      const reader = await world().open()
      await reader.go(`/social/posts/${post_id}?as=tim`, `Post ${post_id}`)
      await reader.page.getByRole('button', { name: 'Like · 0' }).click()
      await reader.page.getByRole('button', { name: 'Liked · 1' }).waitFor()
      await reader.page.getByRole('region', { name: 'Likes' }).getByText('Tim Reader').waitFor()
      await reader.page.getByLabel('Comment as tim').fill('Well said')
      await reader.page.getByRole('button', { name: 'Add comment' }).click()
      await reader.page.getByRole('region', { name: 'Comments' }).getByText('Well said').waitFor()
      await expect.poll(() => readPost(post_id)).toMatchObject({ like_count: 1, comment_count: 1 })
      await reader.page.getByRole('region', { name: 'Comments' }).getByRole('button', { name: 'Delete' }).click()
      await reader.page.getByText('No comments yet').waitFor()
      await reader.page.getByRole('button', { name: 'Liked · 1' }).click()
      await reader.page.getByRole('button', { name: 'Like · 0' }).waitFor()
      expect(await readPost(post_id)).toMatchObject({ like_count: 0, comment_count: 0 })
      expect(await reader.page.getByRole('button', { name: 'Edit' }).count()).toBe(0)
      await reader.close()

      const author = await world().open()
      await author.go(`/social/posts/${post_id}?as=tess`, `Post ${post_id}`)
      await author.page.getByRole('button', { name: 'Edit' }).click()
      await author.page.getByRole('dialog').getByLabel('Text').fill('Second words')
      await author.page.getByRole('button', { name: 'Save as version 2' }).click()
      await author.page.getByRole('region', { name: 'Earlier versions' }).getByText('First words').waitFor()
      expect(await readPost(post_id)).toMatchObject({ version: 2, content: { text: 'Second words' } })
      await author.page.getByRole('button', { name: 'Delete' }).click()
      await refuseDelete(author.page, `**/v1/posts/${post_id}`, () =>
        author.page.getByRole('button', { name: 'Delete post' }).click(),
      )
      await author.page.getByRole('button', { name: 'Delete post' }).click()
      await author.page.getByRole('heading', { level: 1, name: 'Tess Author' }).waitFor()
      await expect(readPost(post_id)).rejects.toMatchObject({ code: 'post_not_found' })
      author.expectSober()
      await author.close()
    })

    it('does once what is pressed again because no answer came, and twice what is said twice', async () => {
      const tab = await openHome('tom', 'Tom Other')
      const { page } = tab
      const loseAnswer = async (url: string) =>
        page.route(
          url,
          async (route) => {
            await route.fetch()
            await route.fulfill({ status: 500, contentType: 'text/html', body: '<h1>Lost</h1>' })
          },
          { times: 1 },
        )
      const box = page.getByLabel('What tom says')
      const press = (name: string) => page.getByRole('button', { name }).click()
      await loseAnswer('**/v1/posts')
      await box.fill('Said by Tom')
      await press('Publish')
      await page.getByRole('alert').filter({ hasText: 'does not answer' }).first().waitFor()
      await press('Publish')
      await expect.poll(() => box.inputValue()).toBe('')
      const params = { path: { user_id: 'tom' } }
      const said = async () =>
        (await world().client.get('/v1/users/{user_id}/posts', { params })).items.filter(
          ({ content }) => content.text === 'Said by Tom',
        )
      expect(await said()).toHaveLength(1)
      await box.fill('Said by Tom')
      await press('Publish')
      await expect.poll(async () => (await said()).length).toBe(2)
      await page.getByRole('article').nth(1).waitFor()
      await page.getByRole('button', { name: 'Delete' }).first().click()
      await press('Delete post')
      await page.getByText('Post deleted').waitFor()
      await expect.poll(() => page.evaluate(() => document.activeElement?.role)).toBe('feed')

      const post_id = (await said())[0]!.post_id
      await tab.go(`/social/posts/${post_id}?as=tim`, `Post ${post_id}`)
      const comment = page.getByLabel('Comment as tim')
      const comments = async () => (await readPost(post_id)).comment_count
      await loseAnswer(`**/v1/posts/${post_id}/comments`)
      await comment.fill('Well said')
      await press('Add comment')
      await page.getByRole('alert').filter({ hasText: 'does not answer' }).first().waitFor()
      await press('Add comment')
      await expect.poll(() => comment.inputValue()).toBe('')
      expect(await comments()).toBe(1)
      await comment.fill('Well said')
      await press('Add comment')
      await expect.poll(comments).toBe(2)
      tab.expectSober()
      await tab.close()
    })

    it('passes a post on, and quotes it, under the names of both', async () => {
      const { post_id } = await publish('tess', 'Worth passing on')
      const tab = await world().open()
      await tab.go(`/social/posts/${post_id}?as=tina`, `Post ${post_id}`)
      await tab.page.getByText('Tess Author').first().waitFor()
      await tab.page.getByRole('button', { name: 'Repost · 0' }).click()
      await tab.page.getByRole('button', { name: 'Repost · 1' }).click()
      await tab.page.getByText('already_exists').waitFor()
      await tab.page.getByRole('button', { name: 'Quote' }).click()
      await tab.page.getByRole('dialog').getByLabel('What tina says').fill('As she says')
      await tab.page.getByRole('dialog').getByRole('button', { name: 'Publish' }).click()
      await tab.page.getByRole('button', { name: 'Repost · 2' }).waitFor()
      await tab.go('/social/tina/posts', 'Tina Quoter')
      const quote = tab.page.getByRole('article').filter({ hasText: 'As she says' })
      await quote.getByText('Worth passing on').waitFor()
      await quote.getByText('Tess Author').waitFor()
      await tab.close()
    })

    it('mutes an author: posts leave the timeline, and the post says why; unfollows and follows again', async () => {
      const { post_id } = await publish('tess', 'To be muted')
      const tab = await openHome('tim', 'Tim Reader')
      await text(tab.page, 'To be muted').waitFor()
      await tab.page.getByRole('article').getByRole('link', { name: 'tess', exact: true }).first().click()
      await tab.page.getByRole('heading', { level: 1, name: 'Tess Author' }).waitFor()
      await tab.page.getByRole('button', { name: 'Mute' }).click()
      await tab.page.getByRole('button', { name: 'Unmute' }).waitFor()
      await tab.page.getByRole('link', { name: 'Home of tim' }).click()
      await tab.page.getByText('Nothing here yet').waitFor()

      await tab.go(`/social/posts/${post_id}`, `Post ${post_id}`)
      await tab.page.getByLabel('In the home timeline of').fill('no_such_user')
      await tab.page.getByRole('button', { name: 'Explain' }).click()
      await tab.page.getByText('Nobody has the handle or id “no_such_user”').waitFor()
      await tab.page.getByLabel('In the home timeline of').fill('tim_test')
      await tab.page.getByRole('button', { name: 'Explain' }).click()
      await tab.page.getByText('Tim Reader does not see this post, and is not meant to.').waitFor()
      const reasons = tab.page.getByRole('list', { name: 'What was looked at' }).getByRole('listitem')
      expect(await reasons.first().textContent()).toContain('Tim Reader has muted tess.')

      await tab.go('/social/tim/people/tess', 'Tess Author')
      await tab.page.getByRole('button', { name: 'Unmute' }).click()
      await tab.page.getByRole('button', { name: 'Unfollow', exact: true }).click()
      await refuseDelete(tab.page, '**/v1/users/tim/follows/tess?*', () =>
        tab.page.getByRole('button', { name: 'Unfollow tess' }).click(),
      )
      await tab.page.getByRole('button', { name: 'Unfollow tess' }).click()
      await tab.page.getByRole('button', { name: 'Follow', exact: true }).click()
      await tab.page.getByRole('button', { name: 'Unfollow', exact: true }).waitFor()
      await tab.page.getByRole('button', { name: 'Block', exact: true }).click()
      await tab.page.getByRole('button', { name: 'Block tess' }).click()
      await tab.page.getByRole('button', { name: 'Unblock' }).click()
      await tab.page.getByRole('button', { name: 'Block', exact: true }).waitFor()
      const path = { user_id: 'tim', other_id: 'tess' }
      expect(await world().client.get('/v1/users/{user_id}/relations/{other_id}', { params: { path } })).toEqual({
        ...{ follows: true, followed_by: false },
        ...{ blocks: false, blocked_by: false, mutes: false },
      })
      tab.expectSober()
      await tab.close()
    })

    it('goes on with the stream after the server was killed', async () => {
      const tab = await openHome('tim', 'Tim Reader')
      await world().killServer()
      await tab.page.getByText('Reconnecting').waitFor()
      await world().startServer()
      await publish('tess', 'After the restart')
      await tab.page.getByRole('button', { name: /^Show \d+ new posts?$/ }).click()
      await text(tab.page, 'After the restart').waitFor()
      await tab.page.getByText('Live', { exact: true }).waitFor()
      await tab.close()
    }, 120_000)

    it('shows a gap where more came than the stream told, and loads what is missing', async () => {
      const tab = await openHome('tim', 'Tim Reader')
      await tab.page.getByRole('link', { name: 'Choose another user' }).click()
      await tab.page.getByRole('heading', { level: 1, name: 'Social' }).waitFor()
      for (let n = 0; n < MANY; n += 10)
        await Promise.all(Array.from({ length: 10 }, (_, i) => publish('tess', `Burst ${n + i}`)))
      await tab.page.goBack()
      await tab.page.getByRole('button', { name: /^Show \d+ new posts$/ }).click()
      const gap = tab.page.getByRole('article', { name: 'Posts that are not loaded' })
      await tab.page.mouse.move(600, 600)
      async function countFurtherDown(found: Locator): Promise<number> {
        await tab.page.mouse.wheel(0, 4_000)
        return found.count()
      }
      await expect.poll(() => countFurtherDown(gap), { timeout: 20_000 }).toBe(1)
      await gap.getByRole('button', { name: 'Load them' }).click()
      await gap.waitFor({ state: 'detached' })
      await expect.poll(() => countFurtherDown(text(tab.page, 'Burst 0')), { timeout: 20_000 }).toBe(1)
      await tab.close()
    }, 120_000)

    it('says that a timeline was made anew, and reads it from the top', async () => {
      const tab = await openHome('tim', 'Tim Reader')
      await world().client.post('/v1/jobs', { body: { kind: 'rebuild', target: 'timelines' } })
      await tab.page.getByText('The timeline was made anew').waitFor()
      await tab.page.getByRole('button', { name: 'Read it from the top' }).click()
      await tab.page.getByText('The timeline was made anew').waitFor({ state: 'detached' })
      await tab.page.getByText('Live', { exact: true }).waitFor()
      await tab.close()
    }, 120_000)

    it('shows what others did, and how far it was seen', async () => {
      const { post_id } = await publish('tom', 'Something to like')
      await world().client.put('/v1/posts/{post_id}/likes/{user_id}', {
        params: { path: { post_id, user_id: 'tess' } },
      })
      const tab = await world().open()
      await tab.go('/social/tom/notifications', 'Tom Other')
      await tab.page.getByText('unread', { exact: true }).first().waitFor()
      await tab.page.getByRole('region', { name: 'Notifications' }).getByText('Tess Author').first().waitFor()
      await tab.page.getByRole('button', { name: 'Mark all as seen' }).click()
      await tab.page.getByText('unread', { exact: true }).first().waitFor({ state: 'detached' })
      const notifications = await world().client.get('/v1/users/{user_id}/notifications', {
        params: { path: { user_id: 'tom' } },
      })
      expect(notifications.unread_count).toBe(0)
      await tab.go('/social/tim/suggestions', 'Tim Reader')
      await tab.page.getByRole('button', { name: 'Follow Tom Other' }).click()
      await tab.page.getByText('No suggestions').waitFor()
      await tab.page.getByRole('link', { name: 'Follows', exact: true }).click()
      await tab.page.getByRole('region', { name: 'Follows' }).getByText('Tom Other').waitFor()
      tab.expectSober()
      await tab.close()
    })

    it('offers a key that may only read nothing that it may not do', async () => {
      const { post_id } = await publish('tess', 'Only to be read')
      const { secret } = await world().client.post('/v1/keys', { body: { name: 'looker', scopes: ['social:read'] } })
      const tab = await world().open({ apiKey: secret })
      await tab.go('/social/tess', 'Tess Author')
      await text(tab.page, 'Only to be read').waitFor()
      expect(await tab.page.getByRole('button', { name: /^(Publish|Like|Edit|Delete)/ }).count()).toBe(0)
      await tab.go(`/social/posts/${post_id}?as=tess`, `Post ${post_id}`)
      await tab.page.getByText('Only to be read').waitFor()
      await tab.page.getByText('No comments yet').waitFor()
      expect(await tab.page.getByRole('button', { name: /^(Add comment|Like|Edit|Delete)/ }).count()).toBe(0)
      await tab.go('/social/tess/people/tom', 'Tom Other')
      await tab.page.getByText('tess follows').waitFor()
      expect(await tab.page.getByRole('button', { name: /^(Unfollow|Mute|Block)/ }).count()).toBe(0)
      await tab.close()
    })

    for (const theme of ['light', 'dark'] satisfies Theme[]) {
      it(`has no page with a fault that axe finds, or wider than its window (${theme})`, async () => {
        const { post_id } = await publish('tess', 'Looked at with #axe')
        const pages = [
          ['/social/tim', 'Tim Reader'],
          ['/social/tess/posts', 'Tess Author'],
          ['/social/tim/follows', 'Tim Reader'],
          ['/social/tess/followers', 'Tess Author'],
          ['/social/tim/suggestions', 'Tim Reader'],
          ['/social/tom/notifications', 'Tom Other'],
          ['/social/tim/people/tess', 'Tess Author'],
          ['/social/posts/tagged/axe?as=tim', '#axe'],
          [`/social/posts/${post_id}?as=tess&why=tim`, `Post ${post_id}`],
        ] as const
        const tab = await world().open({ theme })
        for (const [path, heading] of pages) {
          await tab.page.setViewportSize(WIDE)
          await tab.go(path, heading)
          await expect.poll(() => tab.page.getByText('Loading …').count(), { timeout: 10_000 }).toBe(0)
          await tab.expectAccessible()
          await tab.expectFits()
          await tab.page.setViewportSize(PHONE)
          await tab.expectFits()
        }
        tab.expectSober()
        await tab.close()
      }, 120_000)
    }
  })
}
