import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import type { SalesReport } from '../../src/client/index.ts'
import { PHONE, type Theme } from './browser.ts'
import type { World } from './world.ts'

export function reportTests(world: () => World): void {
  const sales = (query: object) =>
    world().client.get('/v1/reports/sales', { params: { query } }) as Promise<SalesReport>
  const dollars = (minor: number) =>
    new Intl.NumberFormat('en', { style: 'currency', currency: 'USD' }).format(minor / 100)

  /** The demo world ends today. */
  const dayBefore = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10)

  describe('the report', () => {
    it('shows what the API says of the period in the address, beside the one before, and how fresh it is', async () => {
      const days = { from: dayBefore(40), to: dayBefore(13) }
      const { total, previous_period: before } = await sales({
        ...days,
        currency: 'USD',
        group_by: 'day',
        compare: 'previous',
      })
      const tab = await world().open()
      await tab.go(`/report?from=${days.from}&to=${days.to}&currency=USD`, 'Report')
      const figure = tab.page.locator('.figure').filter({ hasText: 'Revenue without tax' })
      await figure.getByText(dollars(total.price)).waitFor()
      await figure.getByText(/(more than|less than|the same as|none) .*before|none before/).waitFor()
      await tab.page.getByText(`from ${days.from} to ${days.to}, beside ${before!.from} to ${before!.to}`).waitFor()
      await tab.page.getByText('everything written before is in it').waitFor()
      await tab.page.getByLabel('Period', { exact: true }).selectOption('all')
      await expect.poll(() => new URL(tab.page.url()).search).toBe('?currency=USD&period=all')
      const all = await sales({ currency: 'USD' })
      await figure.getByText(dollars(all.total.price)).waitFor()
      await tab.page.reload()
      await figure.getByText(dollars(all.total.price)).waitFor()
      tab.expectSober()
      await tab.close()
    })

    it('leads from a cell, by keyboard, to the facts that add up to it', async () => {
      const where = { currency: 'USD' }
      const { rows } = await sales({ ...where, group_by: 'category,city' })
      const best = rows.toSorted((a, b) => b.price - a.price)[0]!
      const tab = await world().open()
      const { page } = tab
      await tab.go('/report?period=all&currency=USD', 'Report')
      const cell = page.getByRole('link', {
        name: `${best.category} in ${best.city}: ${dollars(best.price)}, show the facts`,
      })
      await cell.focus()
      await cell.press('Enter')
      await page.getByRole('heading', { level: 1, name: 'Facts of a figure' }).waitFor()
      const facts = page.getByRole('region', { name: 'Facts, the last day first' })
      await facts.locator('tbody tr').first().waitFor()
      const sum = page.getByText(`facts add up to ${dollars(best.price)}, as the report says`)
      await expect
        .poll(
          async () => {
            await facts.evaluate((element) => element.scrollTo(0, element.scrollHeight))
            return sum.count()
          },
          { timeout: 20_000 },
        )
        .toBe(1)
      tab.expectSober()
      await tab.close()
    })

    it('is saved as CSV with the key, as the API writes it', async () => {
      const days = { from: dayBefore(40), to: dayBefore(13) }
      const tab = await world().open()
      await tab.go(`/report?from=${days.from}&to=${days.to}&by=day&currency=USD`, 'Report')
      const saving = tab.page.waitForEvent('download')
      await tab.page.getByRole('button', { name: 'CSV of revenue by day' }).click()
      const download = await saving
      expect(download.suggestedFilename()).toBe('sales-by-day.csv')
      const query = { ...days, group_by: 'day', currency: 'USD', format: 'csv' } as const
      const wanted = (await world().client.get('/v1/reports/sales', { params: { query } })) as unknown as string
      expect(wanted.split('\n').length).toBeGreaterThan(2)
      expect(await readFile(await download.path(), 'utf8')).toBe(wanted)
      tab.expectSober()
      await tab.close()
    })

    it('is verified with a button, and tells the result', async () => {
      const tab = await world().open()
      await tab.go('/report', 'Report')
      await tab.page.getByRole('button', { name: 'Verify orders' }).click()
      await tab.page.getByText('Everything agrees').waitFor({ timeout: 60_000 })
      await tab.page.getByText('What was compared').click()
      await tab.page.getByRole('region', { name: 'What was compared' }).getByText('agrees').first().waitFor()
      tab.expectSober()
      await tab.close()
    }, 90_000)

    it('does not offer to verify to a key that may only read reports', async () => {
      const { secret } = await world().client.post('/v1/keys', { body: { name: 'reports', scopes: ['reports:read'] } })
      const tab = await world().open({ apiKey: secret })
      await tab.go('/report?period=all&currency=USD', 'Report')
      await tab.page
        .getByRole('link', { name: /, show the facts$/ })
        .first()
        .waitFor()
      const top = tab.page.getByRole('region', { name: 'Top products by revenue' })
      await top.locator('tbody tr').first().waitFor()
      expect(await top.locator('a[href*="/products/"]').count()).toBe(0)
      await tab.page
        .getByRole('button', { name: /^Verify orders \(not now: this key has not the scope admin\)/ })
        .waitFor()
      tab.expectSober()
      await tab.close()
    })

    it('says which day is wrong', async () => {
      const tab = await world().open()
      await tab.go('/report?from=2026-03-01&to=2026-02-01', 'Report')
      await tab.page.getByRole('alert').filter({ hasText: 'invalid_input' }).waitFor()
      await tab.page.locator('.field', { hasText: 'From' }).getByText('must not be after to').waitFor()
      await tab.close()
    })

    for (const theme of ['light', 'dark'] satisfies Theme[]) {
      it(`has pages without a fault that axe finds, which fit a phone (${theme})`, async () => {
        for (const viewport of [undefined, PHONE]) {
          const tab = await world().open({ theme, ...(viewport === undefined ? {} : { viewport }) })
          await tab.go('/report?period=12m&draw=lines&currency=USD', 'Report')
          await tab.page.getByRole('region', { name: 'Revenue by city and category' }).waitFor()
          await tab.page.getByRole('region', { name: 'Top products by revenue' }).waitFor()
          await tab.expectAccessible()
          await tab.expectFits()
          await tab.go('/report/facts?kind=sale&currency=USD', 'Facts of a figure')
          await tab.page.getByRole('region', { name: 'Facts, the last day first' }).waitFor()
          await tab.expectAccessible()
          await tab.expectFits()
          tab.expectSober()
          await tab.close()
        }
      }, 90_000)
    }
  })
}
