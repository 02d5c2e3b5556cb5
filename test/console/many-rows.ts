import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCommand, type ServerProcess, startProcess } from '../setup/process.ts'
import type { World } from './world.ts'

const ROWS = 10_000
const PAGE_ROWS = 100
const COLUMNS = [
  ...['order_number', 'order_date', 'customer_id', 'currency', 'shipping_city', 'shipping_country', 'product_id'],
  ...['product_name', 'product_category', 'quantity', 'price_at_time_of_purchase'],
]

const numberOf = (n: number) => `ROW-${String(n).padStart(5, '0')}`

/** Orders of which each is a minute younger than the one before. */
function ordersCsv(): string {
  const start = Date.parse('2026-01-01T00:00:00Z')
  const rows = Array.from({ length: ROWS }, (_, n) => {
    const at = new Date(start + n * 60_000).toISOString()
    return `${numberOf(n)},${at},somebody,USD,Berlin,DE,thing,Thing,Things,1,${1_000 + n}`
  })
  return [COLUMNS.join(','), ...rows].join('\n')
}

export function manyRowsTests(world: () => World): void {
  describe(`${ROWS.toLocaleString('en')} orders`, () => {
    let folder: string
    let server: ServerProcess
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'fanfold-rows-'))
      await writeFile(join(folder, 'orders.csv'), ordersCsv())
      const env = { FANFOLD_DATABASE_URL: `pglite:${join(folder, 'data')}`, FANFOLD_RATE_LIMIT: '1000000' }
      const imported = await runCommand(['import', 'orders', join(folder, 'orders.csv'), '--json'], env)
      expect(imported.code, imported.stderr).toBe(0)
      server = await startProcess(env.FANFOLD_DATABASE_URL, env)
    }, 300_000)
    afterAll(async () => {
      await server?.kill()
      await rm(folder, { recursive: true, force: true })
    })

    it('scroll to the end with only the rows in sight in the document, asked for page by page', async () => {
      const tab = await world().open({ address: server.address })
      const { page } = tab
      const limits: string[] = []
      page.on('request', (request) => {
        const { pathname, searchParams } = new URL(request.url())
        if (pathname === '/v1/orders') limits.push(searchParams.get('limit') ?? 'none')
      })
      await tab.go('/orders', 'Orders')
      const frame = page.getByRole('region', { name: 'Orders, newest first' })
      await frame.getByRole('link', { name: numberOf(ROWS - 1) }).waitFor()
      const most = await frame.evaluate(async (element) => {
        let seen = 0
        while (!(element.textContent ?? '').includes('in all')) {
          element.scrollTo(0, element.scrollHeight)
          await new Promise((resolve) => setTimeout(resolve))
          seen = Math.max(seen, element.querySelectorAll('tbody tr').length)
        }
        element.scrollTo(0, element.scrollHeight)
        return seen
      })
      await frame.getByText(`${ROWS} in all`).waitFor()
      await frame.getByRole('link', { name: numberOf(0) }).waitFor()
      expect(most).toBeLessThan(PAGE_ROWS)
      expect(limits).toEqual(Array.from({ length: ROWS / PAGE_ROWS }, () => String(PAGE_ROWS)))
      await frame.evaluate((element) => element.scrollTo(0, element.scrollHeight / 2))
      await frame.getByRole('link', { name: numberOf(ROWS / 2) }).waitFor()
      expect(await frame.locator('tbody tr').count()).toBeLessThan(PAGE_ROWS)
      await frame.press('Home')
      await frame.getByRole('link', { name: numberOf(ROWS - 1) }).waitFor()
      tab.expectSober()
      await tab.close()
    }, 120_000)
  })
}
