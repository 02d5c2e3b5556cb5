import { describe, expect, it } from 'vitest'
import { startProcess } from '../setup/process.ts'
import type { World } from './world.ts'

const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0)

export function overviewTests(world: () => World): void {
  describe('the overview', () => {
    it('says first what is wrong, with what to do and a way there', async () => {
      const { problems } = await world().client.get('/v1/system')
      const dead = problems.find(({ code }) => code === 'dead_letters')
      expect(dead).toBeDefined()
      const tab = await world().open()
      await tab.go('/', 'Overview')
      const wrong = tab.page.getByRole('region', { name: 'What is wrong' })
      for (const { message, what_to_do } of problems) {
        await wrong.getByText(message).waitFor()
        await wrong.getByText(what_to_do).first().waitFor()
      }
      const heads = await tab.page.getByRole('heading', { level: 2 }).allTextContents()
      expect(heads[0]).toBe('What is wrong')
      await wrong.getByRole('link', { name: 'See the dead letters' }).click()
      await tab.page.getByRole('heading', { level: 1, name: 'Operations' }).waitFor()
      tab.expectSober()
      await tab.close()
    })

    it('shows figures, engines, projections and queues as the server tells them, and goes on by itself', async () => {
      const tab = await world().open()
      await tab.go('/', 'Overview')
      const { page } = tab
      const figure = (term: string) =>
        page
          .locator('.figure')
          .filter({ has: page.getByText(term, { exact: true }) })
          .locator('dd')
          .first()
      await page.getByRole('img', { name: /^Requests per second, last 15 minutes\. Newest: Requests: / }).waitFor()
      expect(await page.locator('.chart canvas').count()).toBe(6)
      const { queue, engines, projections } = await world().client.get('/v1/system')
      expect(await figure('Dead letters').textContent()).toBe(String(sum(queue.map((one) => one.dead_letters))))
      for (const { url } of engines) await page.getByRole('cell', { name: url }).waitFor()
      for (const { name } of projections)
        await page.getByRole('region', { name: 'Projections' }).getByRole('cell', { name, exact: true }).waitFor()
      // This page alone asks several times in ten seconds.
      await expect
        .poll(() => figure('Requests').textContent(), { timeout: 20_000 })
        .toMatch(/^[0-9.]*[1-9][0-9.]* ?\/s$/)
      tab.expectSober()
      await tab.close()
    })

    it('says that all is well where nothing is wrong', async () => {
      const server = await startProcess('pglite:memory')
      const tab = await world().open({ address: server.address })
      await tab.go('/', 'Overview')
      await tab.page.getByRole('heading', { level: 2, name: 'All is well' }).waitFor()
      await tab.page.getByText('The engine answers').waitFor()
      await tab.expectAccessible()
      tab.expectSober()
      await tab.close()
      await server.kill()
    }, 60_000)
  })
}
