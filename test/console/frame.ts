import { describe, expect, it } from 'vitest'
import { PHONE, type Theme } from './browser.ts'
import type { World } from './world.ts'

const AREAS = [
  ['/', 'Overview'],
  ['/social', 'Social'],
  ['/orders', 'Orders'],
  ['/products', 'Products'],
  ['/report', 'Report'],
  ['/payments', 'Payments'],
  ['/operations', 'Operations'],
] as const

/** What the first page may weigh, compressed, with the answers of the API that it shows. */
const FIRST_LOAD_BYTES_MAX = 200 * 1_024

export function frameTests(world: () => World): void {
  describe('the frame', () => {
    it('refuses a wrong key in words, and takes a right one', async () => {
      const tab = await world().open({ apiKey: 'ff_wrong' })
      await tab.page.goto(`${world().address}/console/`)
      await tab.page.getByText('This API key is not known').waitFor()
      await tab.expectAccessible()
      const { secret } = await world().client.post('/v1/keys', { body: { name: 'reader', scopes: ['social:read'] } })
      await tab.page.getByLabel('API key').fill(secret)
      await tab.page.getByRole('button', { name: 'Sign in' }).click()
      await tab.page.getByRole('heading', { level: 1, name: 'Social' }).waitFor()
      const links = await tab.page.getByRole('navigation', { name: 'Areas' }).getByRole('link').allTextContents()
      expect(links.filter((name) => AREAS.some(([, area]) => area === name))).toEqual(['Social'])
      const other = await world().open({ apiKey: secret })
      await other.go('/payments', 'Not found')
      await other.close()
      await tab.page.getByRole('button', { name: 'Sign out' }).click()
      await tab.page.getByLabel('API key').waitFor()
      tab.expectSober()
      await tab.close()
    })

    it('ends the session when its key is revoked', async () => {
      const made = await world().client.post('/v1/keys', { body: { name: 'leaver', scopes: ['admin:read'] } })
      const tab = await world().open({ apiKey: made.secret })
      await tab.go('/', 'Overview')
      await world().client.delete('/v1/keys/{key_id}', { params: { path: { key_id: made.key_id } } })
      await tab.page.getByText('This API key was revoked').waitFor()
      await tab.page.getByLabel('API key').waitFor()
      expect(await tab.page.evaluate(() => sessionStorage.getItem('fanfold.api-key'))).toBeNull()
      expect(await tab.page.content()).not.toContain(made.secret)
      await tab.close()
    })

    for (const theme of ['light', 'dark'] satisfies Theme[]) {
      it(`has no page with a fault that axe finds, or wider than its window (${theme})`, async () => {
        const wide = await world().open({ theme })
        const phone = await world().open({ theme, viewport: PHONE })
        for (const tab of [wide, phone]) {
          for (const [path, heading] of AREAS) {
            await tab.go(path, heading)
            await tab.page.waitForLoadState('networkidle')
            await tab.expectAccessible()
            await tab.expectFits()
          }
          tab.expectSober()
          await tab.close()
        }
      }, 120_000)
    }

    it('keeps the theme that somebody chose', async () => {
      const tab = await world().open({ theme: 'light' })
      await tab.go('/social', 'Social')
      const background = () => tab.page.evaluate(() => getComputedStyle(document.body.parentElement!).backgroundColor)
      const light = await background()
      await tab.page.getByLabel('Theme').selectOption('Dark')
      await expect.poll(background).not.toBe(light)
      const dark = await background()
      await tab.page.reload()
      await tab.page.getByRole('heading', { level: 1, name: 'Social' }).waitFor()
      await expect.poll(background).toBe(dark)
      await tab.close()
    })

    it('is used by keyboard alone: past the menu, through it, and back', async () => {
      const tab = await world().open({ viewport: PHONE })
      const { page } = tab
      await tab.go('/', 'Overview')
      const focused = () => page.evaluate(() => document.activeElement?.textContent?.trim())
      await page.keyboard.press('Tab')
      expect(await focused()).toBe('Skip to the content')
      await page.keyboard.press('Enter')
      expect(await page.evaluate(() => document.activeElement?.id)).toBe('main')
      const menu = page.getByRole('button', { name: 'Menu' })
      await menu.focus()
      await page.keyboard.press('Enter')
      expect(await menu.getAttribute('aria-expanded')).toBe('true')
      await tab.expectAccessible()
      await page.keyboard.press('Escape')
      expect(await menu.getAttribute('aria-expanded')).toBe('false')
      expect(await focused()).toBe('Menu')
      await page.keyboard.press('Enter')
      while ((await focused()) !== 'Operations') await page.keyboard.press('Tab')
      await page.keyboard.press('Enter')
      await page.getByRole('heading', { level: 1, name: 'Operations' }).waitFor()
      expect(await menu.getAttribute('aria-expanded')).toBe('false')
      await expect.poll(focused).toBe('Operations: Dead letters')
      tab.expectSober()
      await tab.close()
    })

    it('loads little, from its own server, under a policy that allows nothing else', async () => {
      const tab = await world().open()
      const sizes: Promise<{ url: string; bytes: number }>[] = []
      tab.page.on('requestfinished', (request) => {
        const size = request.sizes().then(({ responseBodySize }) => ({ url: request.url(), bytes: responseBodySize }))
        sizes.push(size)
      })
      await tab.go('/', 'Overview')
      await tab.page.waitForLoadState('networkidle')
      const loaded = await Promise.all(sizes)
      expect(loaded.filter(({ url }) => url.endsWith('.js')).length).toBeGreaterThan(1)
      expect(loaded.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(FIRST_LOAD_BYTES_MAX)
      const page = await fetch(`${world().address}/console/orders`)
      expect(page.status).toBe(200)
      expect(page.headers.get('cache-control')).toBe('no-cache')
      const policy = page.headers.get('content-security-policy')
      for (const part of ["default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"])
        expect(policy).toContain(part)
      expect(policy).not.toContain('unsafe')
      const script = loaded.find(({ url }) => url.endsWith('.js'))!
      const asset = await fetch(script.url, { headers: { 'accept-encoding': 'br' } })
      expect(asset.headers.get('content-encoding')).toBe('br')
      expect(asset.headers.get('cache-control')).toContain('immutable')
      expect((await fetch(`${world().address}/console/assets/none.js`)).status).toBe(404)
      tab.expectSober()
      await tab.close()
    })

    it('says on every page that the server is away, and goes on when it is back', async () => {
      const pages = [
        ['/', 'Overview'],
        ['/orders', 'Orders'],
        ['/operations/keys', 'Operations'],
      ] as const
      const tabs = await Promise.all(
        pages.map(async ([path, heading]) => {
          const tab = await world().open()
          await tab.go(path, heading)
          return tab
        }),
      )
      const banners = tabs.map(({ page }) => page.getByRole('alert').filter({ hasText: 'Fanfold does not answer' }))
      await world().killServer()
      await Promise.all(banners.map((banner) => banner.first().waitFor()))
      // A page that is loaded anew meanwhile can't come, one that is there stays and can be left for another.
      await tabs[1]!.page.getByRole('link', { name: 'Operations' }).click()
      await world().startServer()
      await Promise.all(banners.map((banner) => banner.first().waitFor({ state: 'detached' })))
      const { key_id } = await world().client.post('/v1/keys', { body: { name: 'back again', scopes: ['reports'] } })
      await tabs[2]!.page.getByText(key_id).waitFor()
      await tabs[1]!.page.getByRole('heading', { level: 1, name: 'Operations' }).waitFor()
      for (const tab of tabs) await tab.close()
    }, 90_000)

    it('waits for a server that is not there yet, and keeps the session', async () => {
      const tab = await world().open()
      await tab.go('/operations/keys', 'Operations')
      await tab.page.route('**/v1/keys/self', (route) => route.abort('connectionrefused'))
      await tab.page.reload()
      await tab.page.getByText('Fanfold does not answer yet').waitFor()
      await tab.page.unroute('**/v1/keys/self')
      await tab.page.getByRole('heading', { level: 1, name: 'Operations' }).waitFor()
      await tab.close()
    })
  })
}
