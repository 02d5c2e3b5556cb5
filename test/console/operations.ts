import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { createClient, isProblem } from '../../src/client/index.ts'
import { PHONE, type Theme } from './browser.ts'
import type { World } from './world.ts'

const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name, exact: true })
const focused = (page: Page) => page.evaluate(() => document.activeElement?.textContent)
const dialog = (page: Page) => page.getByRole('dialog')
const row = (page: Page, table: string, text: string) =>
  page.getByRole('region', { name: table, exact: true }).getByRole('row').filter({ hasText: text })

/** A receiver of webhooks on this machine, and the names of what came. */
async function openReceiver() {
  const events: string[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString()
    })
    request.on('end', () => {
      events.push((JSON.parse(body) as { type: string }).type)
      response.end('thank you')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    events,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks`,
    close: () => new Promise((resolve) => server.close(resolve)),
  }
}

export function operationsTests(world: () => World): void {
  const api = () => world().client

  describe('operations', () => {
    it('shows dead letters with their payload and error, and puts them back to work', async () => {
      const [letter] = (await api().get('/v1/dead-letters')).items
      const { topic, lane, reason, died_at } = letter!
      const tab = await world().open()
      const { page } = tab
      await tab.go('/operations', 'Operations')
      await row(page, 'Dead letters', reason).first().waitFor()
      await row(page, 'Dead letters by topic and lane', topic).getByRole('link').click()
      expect(new URL(page.url()).search).toBe(`?topic=${topic}&lane=${lane}`)
      await page.getByLabel('Lane', { exact: true }).selectOption(lane === 'small' ? 'bulk' : 'small')
      await page.getByText('None here').waitFor()
      await page.reload()
      await page.getByText('None here').waitFor()
      await button(page, 'Clear filters').click()
      await page
        .getByRole('button', { name: /^Open message/ })
        .first()
        .click()
      await dialog(page).getByRole('region', { name: 'Payload of the message' }).waitFor()
      await page.keyboard.press('Escape')
      await dialog(page).waitFor({ state: 'detached' })
      expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toMatch(/^Open message/)
      await row(page, 'Dead letters by topic and lane', topic).getByRole('button', { name: 'Redrive' }).click()
      await dialog(page)
        .getByRole('button', { name: /^Redrive \d+ dead letter/ })
        .click()
      await page.getByText(/ back at work$/).waitFor()
      // What is wrong with it is not mended: it was tried anew, and given up on again.
      await expect
        .poll(async () => (await api().get('/v1/dead-letters', { params: { query: { topic } } })).items[0]?.died_at, {
          timeout: 20_000,
        })
        .not.toBe(died_at)
      tab.expectSober()
      await tab.close()
    })

    it('makes a webhook endpoint, tests, pauses, rotates and deletes it, and sends deliveries again', async () => {
      const receiver = await openReceiver()
      const tab = await world().open()
      const { page } = tab
      await tab.go('/operations/webhooks', 'Operations')
      await button(page, 'New endpoint').click()
      await page.getByLabel('URL').fill(receiver.url)
      await page.getByLabel('Events').fill('order.* nonsense')
      await button(page, 'Make endpoint').click()
      await dialog(page)
        .getByText(/must be the name of an event such as order\.paid/)
        .first()
        .waitFor()
      expect(await page.getByLabel('URL').inputValue()).toBe(receiver.url)
      await page.getByLabel('Events').fill('order.*, payment.captured')
      await button(page, 'Make endpoint').click()
      const secret = await page.getByLabel('Signing secret').inputValue()
      expect(secret).toMatch(/^whsec_/)
      await tab.expectAccessible()
      await button(page, 'I have kept it').click()
      await row(page, 'Webhook endpoints', receiver.url).getByRole('link').click()
      await page.getByRole('heading', { level: 2, name: 'Webhook endpoint' }).waitFor()
      const endpoint_id = new URL(page.url()).pathname.split('/').at(-1)!
      const params = { path: { endpoint_id } }
      const read = () => api().get('/v1/webhook-endpoints/{endpoint_id}', { params })
      expect((await read()).event_types).toEqual(['order.*', 'payment.captured'])

      await button(page, 'Send test event').click()
      await row(page, 'Deliveries', 'webhook.test').getByText('delivered').waitFor()
      await row(page, 'Deliveries', 'webhook.test').getByText('HTTP 200').waitFor()
      await button(page, 'Replay').click()
      await expect.poll(() => receiver.events, { timeout: 20_000 }).toEqual(['webhook.test', 'webhook.test'])
      await page.getByRole('button', { name: /^Open delivery/ }).click()
      await dialog(page).getByText('thank you').first().waitFor()
      await button(page, 'Close').click()

      await button(page, 'Replay a time range').click()
      await dialog(page).getByLabel('Status').selectOption('delivered')
      await dialog(page).getByRole('button', { name: 'Replay', exact: true }).click()
      await page.getByText('1 webhook is sent again').waitFor()
      await expect.poll(() => receiver.events.length, { timeout: 20_000 }).toBe(3)
      await page.getByRole('search', { name: 'Filter deliveries' }).getByLabel('Status').selectOption('failed')
      await page.getByText('No delivery is failed').waitFor()
      expect(new URL(page.url()).search).toBe('?status=failed')

      await button(page, 'Rotate secret').click()
      await dialog(page).getByRole('button', { name: 'Rotate secret' }).click()
      const rotated = page.getByLabel('Signing secret')
      await rotated.waitFor()
      expect(await rotated.inputValue()).toMatch(/^whsec_/)
      expect(await rotated.inputValue()).not.toBe(secret)
      await button(page, 'I have kept it').click()

      await button(page, 'Pause').click()
      await dialog(page).getByRole('button', { name: 'Pause' }).click()
      await page.getByText('paused: request').waitFor()
      expect((await read()).active).toBe(false)
      await expect.poll(() => focused(page)).toBe('Operations: Webhook endpoint')
      expect(await page.getByRole('button', { name: /^Send test event/ }).getAttribute('aria-disabled')).toBe('true')
      await button(page, 'Enable').click()
      await button(page, 'Pause').waitFor()
      expect((await read()).active).toBe(true)
      await expect.poll(() => focused(page)).toBe('Operations: Webhook endpoint')

      await button(page, 'Delete').click()
      await dialog(page).getByRole('button', { name: 'Delete endpoint' }).click()
      await page.getByRole('heading', { level: 2, name: 'Webhook endpoints' }).waitFor()
      await expect.poll(() => focused(page)).toBe('Operations: Webhooks')
      expect(await page.title()).toBe('Webhooks · Operations · Fanfold')
      await expect(read()).rejects.toSatisfy((error: unknown) => isProblem(error, 'webhook_endpoint_not_found'))
      tab.expectSober()
      await tab.close()
      await receiver.close()
    }, 60_000)

    it('shows what processors told, and has it applied again', async () => {
      const tab = await world().open()
      const { page } = tab
      await tab.go('/operations/inbox?processor=sandbox&state=applied', 'Operations')
      const [message] = (await api().get('/v1/webhook-inbox', { params: { query: { state: 'applied' } } })).items
      await row(page, 'Webhooks of processors', message!.event_id).getByRole('button', { name: 'Replay' }).click()
      await page.getByText('1 message is applied again, soon').waitFor()
      await button(page, 'Replay all failed').click()
      await dialog(page).getByRole('button', { name: 'Replay all failed' }).click()
      await page.getByText('0 messages are applied again, soon').waitFor()
      await page.getByLabel('Processor', { exact: true }).fill('nobody')
      await page.getByLabel('Processor', { exact: true }).press('Enter')
      await page.getByText('No messages').waitFor()
      tab.expectSober()
      await tab.close()
    })

    it('makes a key that is shown once, and revokes it', async () => {
      const tab = await world().open()
      const { page } = tab
      await tab.go('/operations/keys', 'Operations')
      await button(page, 'New key').click()
      await page.getByLabel('Name').fill('test storefront')
      await button(page, 'Make key').click()
      await dialog(page).getByRole('alert').waitFor()
      expect(await page.getByLabel('Name').inputValue()).toBe('test storefront')
      await page.getByLabel('orders:read').check()
      await button(page, 'Make key').click()
      const secret = page.getByLabel('API key', { exact: true })
      await secret.waitFor()
      const apiKey = await secret.inputValue()
      await button(page, 'Copy').click()
      await dialog(page)
        .getByText(/^(Copied|It is selected)/)
        .waitFor()
      await page.keyboard.press('Escape')
      const client = createClient({ baseUrl: world().address, apiKey })
      expect((await client.get('/v1/keys/self')).scopes).toEqual(['orders:read'])
      expect(await page.content()).not.toContain(apiKey)
      await button(page, 'Revoke test storefront').click()
      await dialog(page).getByRole('button', { name: 'Revoke key' }).click()
      await row(page, 'API keys', 'test storefront').getByText('revoked', { exact: true }).waitFor()
      await expect(client.get('/v1/keys/self')).rejects.toSatisfy((error: unknown) =>
        isProblem(error, 'unauthenticated'),
      )
      tab.expectSober()
      await tab.close()
    })

    it('verifies a model and rebuilds a read model, with their results', async () => {
      const tab = await world().open()
      const { page } = tab
      await tab.go('/operations/jobs', 'Operations')
      await button(page, 'Verify payments').click()
      await row(page, 'Jobs', 'verify payments').getByText('clean').waitFor({ timeout: 60_000 })
      await page.getByRole('link', { name: 'verify payments' }).first().click()
      await page.getByRole('heading', { level: 2, name: 'Verification of payments' }).waitFor()
      await page.getByText('clean').first().waitFor()
      const jobId = new URL(page.url()).pathname.split('/').at(-1)!
      const { result } = await api().get('/v1/jobs/{job_id}', { params: { path: { job_id: jobId } } })
      const { payments } = result!['payments'] as { payments: number }
      expect(payments).toBeGreaterThan(0)
      const compared = row(page, 'What was compared of payments', payments.toLocaleString('en'))
      await compared.first().waitFor()
      await page.getByRole('link', { name: 'All jobs' }).click()
      await page.getByLabel('What to rebuild').selectOption('order_search')
      await button(page, 'Rebuild').click()
      await dialog(page).getByRole('button', { name: 'Rebuild order_search' }).click()
      await row(page, 'Jobs', 'rebuild order_search').getByText('done').waitFor({ timeout: 60_000 })
      await page.goto(`${world().address}/console/operations/jobs/job_unknown`)
      await page.getByText('No such job').waitFor()
      tab.expectSober()
      await tab.close()
    }, 150_000)

    it('offers a key that may only read nothing that changes anything', async () => {
      const made = await api().post('/v1/keys', { body: { name: 'watcher', scopes: ['admin:read'] } })
      const tab = await world().open({ apiKey: made.secret })
      const { page } = tab
      await tab.go('/operations', 'Operations')
      await page.getByRole('region', { name: 'Dead letters', exact: true }).waitFor()
      expect(await button(page, 'Redrive').count()).toBe(0)
      const parts = await page
        .getByRole('navigation', { name: 'Parts of operations' })
        .getByRole('link')
        .allTextContents()
      expect(parts).toEqual(['Dead letters', 'Webhooks', 'API keys', 'Jobs'])
      await tab.go('/operations/keys', 'Operations')
      await row(page, 'API keys', 'watcher').getByText('this key').waitFor()
      expect(await page.getByRole('button', { name: /^(Revoke|New key)/ }).count()).toBe(0)
      await tab.go('/operations/jobs', 'Operations')
      await page.getByRole('heading', { level: 2, name: 'Jobs' }).waitFor()
      expect(await page.getByRole('button', { name: /^(Verify|Rebuild)/ }).count()).toBe(0)
      tab.expectSober()
      await tab.close()
    })

    for (const theme of ['light', 'dark'] satisfies Theme[]) {
      it(`has no part with a fault that axe finds, or wider than its window (${theme})`, async () => {
        const [endpoint] = (await api().get('/v1/webhook-endpoints')).items
        const [job] = (await api().get('/v1/jobs')).items
        const paths = [
          '/webhooks',
          `/webhooks/${endpoint?.endpoint_id}`,
          '/inbox',
          '/keys',
          '/jobs',
          `/jobs/${job?.job_id}`,
        ]
        for (const viewport of [undefined, PHONE]) {
          const tab = await world().open({ theme, ...(viewport === undefined ? {} : { viewport }) })
          for (const path of paths) {
            await tab.go(`/operations${path}`, 'Operations')
            await tab.page.getByRole('heading', { level: 2 }).first().waitFor()
            await tab.page.waitForLoadState('networkidle')
            await tab.expectAccessible()
            await tab.expectFits()
          }
          tab.expectSober()
          await tab.close()
        }
      }, 120_000)
    }
  })
}
