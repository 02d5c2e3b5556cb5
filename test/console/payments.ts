import { describe, expect, it } from 'vitest'
import type { CreatePayment, Payment } from '../../src/client/index.ts'
import { type ConsoleTab, PHONE } from './browser.ts'
import type { World } from './world.ts'

/** Besides the list, which the frame's tests look at. */
const PARTS = [
  ['/payments/new', 'New payment'],
  ['/payments/review', 'Review'],
  ['/payments/disputes', 'Disputes'],
  ['/payments/ledger', 'Ledger'],
  ['/payments/settlements', 'Settlements'],
  ['/payments/report', 'Payments report'],
] as const

const AMOUNTS = ['Authorized', 'Captured', 'Refunded', 'Capturable', 'Refundable'] as const

/** Amounts of the state that is shown, as people read them. */
async function amountsOf({ page }: ConsoleTab): Promise<Record<string, string | null>> {
  const sums = page.getByLabel('Amounts', { exact: true })
  const read = AMOUNTS.map(async (name) => {
    const sum = sums.locator('div').filter({ has: page.getByText(name, { exact: true }) })
    return [name, await sum.locator('dd').textContent()] as const
  })
  return Object.fromEntries(await Promise.all(read))
}

export function paymentsTests(world: () => World): void {
  const one = (id: string) =>
    world().client.get('/v1/payments/{payment_intent_id}', { params: { path: { payment_intent_id: id } } })

  async function authorized(token: string, amount = 10_000): Promise<Payment> {
    const body: CreatePayment = {
      amount,
      currency: 'USD',
      payment_method: { token },
      capture_method: 'manual',
    }
    const { payment_intent_id } = await world().client.post('/v1/payments', { body })
    return world().client.post('/v1/payments/{payment_intent_id}/authorize', {
      params: { path: { payment_intent_id } },
      body: {},
    })
  }

  async function captured(token: string): Promise<string> {
    const { payment_intent_id: id } = await authorized(token)
    const params = { path: { payment_intent_id: id } }
    await world().client.post('/v1/payments/{payment_intent_id}/capture', { params, body: {} })
    return id
  }

  async function until<Value>(ask: () => Promise<Value>, isThere: (value: Value) => boolean): Promise<Value> {
    for (const end = Date.now() + 30_000; ; ) {
      const value = await ask()
      if (isThere(value)) return value
      if (Date.now() > end) throw new Error(`it does not come: ${JSON.stringify(value)}`)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }

  describe('payments', () => {
    it('are created, authorized, captured in part and refunded by forms, which name a wrong amount at its field', async () => {
      const tab = await world().open()
      const { page } = tab
      await tab.go('/payments/new', 'New payment')
      const amount = page.getByLabel('Amount in USD')
      await amount.fill('12,5')
      await page.getByRole('button', { name: 'Create the payment' }).click()
      await page.getByText('Type a number such as 12.50').waitFor()
      expect(await amount.getAttribute('aria-invalid')).toBe('true')
      await amount.fill('120')
      await page.getByText('$120.00 is to be paid').waitFor()
      await page.getByLabel('Customer').fill('not a customer id')
      await page.getByRole('button', { name: 'Create the payment' }).click()
      await page.getByText('must be 1 to').first().waitFor()
      expect(await amount.inputValue()).toBe('120')
      await page.getByLabel('Customer').fill('console-customer')
      await page.getByRole('button', { name: 'Create the payment' }).click()
      await page.getByRole('heading', { level: 1, name: /^Payment pi_/ }).waitFor()
      const id = new URL(page.url()).pathname.split('/').at(-1)!
      expect(await one(id)).toMatchObject({ amount: 12_000, status: 'initiated', customer_id: 'console-customer' })

      const refund = page.getByRole('button', { name: /^Refund/ })
      expect(await refund.getAttribute('aria-disabled')).toBe('true')
      expect(await refund.textContent()).toContain('nothing is captured')
      const dialog = page.getByRole('dialog')
      await page.getByRole('button', { name: 'Authorize', exact: true }).click()
      await dialog.getByRole('button', { name: 'Authorize' }).click()
      await page.getByRole('heading', { level: 1 }).locator('..').getByText('authorized', { exact: true }).waitFor()

      await page.getByRole('button', { name: 'Capture', exact: true }).click()
      expect(await dialog.getByLabel('Amount in USD').inputValue()).toBe('120.00')
      await dialog.getByLabel('Amount in USD').fill('500')
      await dialog.getByRole('button', { name: 'Capture' }).click()
      await dialog.getByText('500.00 is more than the 120.00 USD that can still be captured').waitFor()
      expect(await dialog.getByLabel('Amount in USD').getAttribute('aria-invalid')).toBe('true')
      await tab.expectAccessible()
      await dialog.getByLabel('Amount in USD').fill('50.25')
      await dialog.getByText('Takes $50.25 USD').waitFor()
      await dialog.getByRole('button', { name: 'Capture' }).click()
      await dialog.waitFor({ state: 'detached' })
      expect(await page.locator(':focus').textContent()).toBe('Capture')
      await page.getByText('Gives back up to $50.25').waitFor()

      await refund.click()
      await dialog.getByLabel('Amount in USD').fill('20')
      await dialog.getByLabel('Reason').fill('damaged')
      let letGo = (): void => undefined
      const held = new Promise<void>((resolve) => {
        letGo = resolve
      })
      await page.route('**/v1/payments/*/refund', (route) => held.then(() => route.continue()))
      await dialog.getByRole('button', { name: 'Refund' }).click()
      // While it is under way, no other amount can be sent beside it.
      await dialog.getByRole('button', { name: 'Working …' }).waitFor()
      await dialog.getByLabel('Amount in USD').press('9')
      await dialog.getByLabel('Amount in USD').press('Enter')
      expect(await dialog.getByLabel('Amount in USD').inputValue()).toBe('20')
      await dialog.getByRole('button', { name: 'Working …' }).waitFor()
      letGo()
      await page.getByText('balanced: debits $70.25, credits $70.25').waitFor()
      expect(await one(id)).toMatchObject({ captured: 5_025, refunded: 2_000, status: 'partially_refunded' })
      await page.getByRole('row').filter({ hasText: 'REFUND_REQUESTED' }).getByText('damaged').first().waitFor()
      tab.expectSober()
      await tab.close()
    })

    it('show the state after each event, and check that nobody changed these', async () => {
      const id = await captured('tok_ok')
      const { version } = await one(id)
      const tab = await world().open()
      const { page } = tab
      await tab.go(`/payments/${id}`, `Payment ${id}`)
      await page.getByRole('heading', { name: 'State now' }).waitFor()
      expect(await amountsOf(tab)).toMatchObject({ Captured: '$100.00', Capturable: '$0.00', Refundable: '$100.00' })
      await page.getByRole('slider').focus()
      await page.keyboard.press('Home')
      await page.getByRole('heading', { name: `State after event 1 of ${version}` }).waitFor()
      await page.getByText('No processor had been asked yet').waitFor()
      await page.getByText('version 1', { exact: true }).waitFor()
      expect(await amountsOf(tab)).toMatchObject({ Authorized: '$0.00', Captured: '$0.00', Refundable: '$0.00' })
      await page.getByRole('button', { name: 'State after event 3' }).click()
      await page.getByText('version 3', { exact: true }).waitFor()
      await page.reload()
      await page.getByText('This is the past.').waitFor()
      expect(await amountsOf(tab)).toMatchObject({ Authorized: '$100.00', Captured: '$0.00', Capturable: '$100.00' })
      expect(await page.getByRole('button', { name: /^Refund/ }).textContent()).toContain('You are looking at the past')
      await page.getByRole('button', { name: 'Back to now' }).click()
      await page.getByText(`version ${version}`, { exact: true }).waitFor()
      await page.getByRole('button', { name: 'Check now' }).click()
      await page.getByText('Nothing was changed').waitFor()
      await page.getByText(`All ${version} events are as they were written`).waitFor()
      await tab.close()
    })

    it('in review are decided by a person, with a note', async () => {
      const payment = await authorized('tok_wrong_currency')
      const { op_id: opId } = payment.pending_operation!
      const tab = await world().open()
      const { page } = tab
      await tab.go(`/payments/review?op=${opId}`, 'Review')
      await page.getByText('the processor reports 10000 EUR, not 10000 USD').first().waitFor()
      await page.getByRole('button', { name: 'It failed' }).click()
      const dialog = page.getByRole('dialog')
      await dialog.getByRole('button', { name: 'Record that it failed' }).click()
      await dialog.getByRole('alert').waitFor()
      expect(await dialog.getByLabel('Note').getAttribute('aria-invalid')).toBe('true')
      await dialog.getByLabel('Note').fill('refused, says their support')
      await dialog.getByRole('button', { name: 'Record that it failed' }).click()
      await dialog.waitFor({ state: 'detached' })
      await page.getByRole('link', { name: opId }).waitFor({ state: 'detached' })
      // What was pressed is gone with the operation.
      await expect.poll(() => page.evaluate(() => document.activeElement?.textContent)).toBe('Review')
      expect((await one(payment.payment_intent_id)).status).toBe('declined')
      await tab.close()
    })

    it('in dispute are answered with evidence before their deadline', async () => {
      const id = await captured('tok_dispute')
      const listed = () =>
        world().client.get('/v1/disputes', { params: { query: { limit: 100, status: 'needs_response' } } })
      await until(listed, ({ items }) => items.some(({ payment_intent_id: of }) => of === id))
      const tab = await world().open()
      const { page } = tab
      await tab.go('/payments/disputes', 'Disputes')
      const row = page.getByRole('row').filter({ hasText: id })
      await row.getByText(/\d+ d left/).waitFor()
      await row.getByRole('button', { name: 'Submit evidence' }).click()
      const dialog = page.getByRole('dialog')
      await dialog.getByRole('button', { name: 'Submit evidence' }).click()
      await dialog.getByText('Name and text are needed').waitFor()
      await tab.expectAccessible()
      await dialog.getByLabel('Text').fill('A chair, delivered')
      await dialog.getByRole('button', { name: 'Submit evidence' }).click()
      await dialog.waitFor({ state: 'detached' })
      expect((await one(id)).disputes[0]?.status).not.toBe('needs_response')
      await tab.go(`/payments/${id}`, `Payment ${id}`)
      expect(await page.getByRole('button', { name: 'Submit evidence' }).textContent()).toContain('The dispute is')
      await page.getByRole('row').filter({ hasText: 'EVIDENCE_SUBMITTED' }).waitFor()
      await tab.close()
    })

    it('are found by filters that stand in the address', async () => {
      const { payment_intent_id: id } = await authorized('tok_declined')
      const tab = await world().open()
      const { page } = tab
      await tab.go('/payments', 'Payments')
      await page.getByLabel('Status').selectOption('declined')
      await page.getByRole('link', { name: id }).waitFor()
      await page.getByLabel('Id or reference').fill('pi_nothing')
      await page.keyboard.press('Enter')
      await page.getByText('No payment fits these filters').waitFor()
      expect(new URL(page.url()).search).toBe('?status=declined&q=pi_nothing')
      await page.getByLabel('Id or reference').fill(id)
      await page.keyboard.press('Enter')
      await page.getByRole('link', { name: id }).waitFor()
      await page.reload()
      await page.getByRole('link', { name: id }).waitFor()
      expect(await page.getByRole('table').getByRole('link', { name: /^pi_/ }).count()).toBe(1)
      await page.getByRole('link', { name: id }).click()
      await page.getByText('The processor refused').waitFor()
      await tab.close()
    })

    it('have books that add up to 0, a report, and settlements with what differs first', async () => {
      const tab = await world().open()
      const { page } = tab
      await tab.go('/payments/ledger', 'Ledger')
      await page.getByText('the balances add up to $0.00').waitFor()
      await page.getByRole('link', { name: 'sales' }).first().click()
      await page.getByRole('heading', { name: 'Entries of sales' }).waitFor()
      await tab.go('/payments/report?by=month&currency=USD', 'Payments report')
      const month = new Date().toISOString().slice(0, 7)
      await page.getByRole('row').filter({ hasText: month }).waitFor()
      await tab.go('/payments/report?currency=USD', 'Payments report')
      await page.getByLabel('From').focus()
      const fromOf = () => new URL(page.url()).searchParams.get('from')
      // A year that has only begun is no filter.
      await page.keyboard.type('01052')
      expect(await page.getByLabel('From').inputValue()).toBe('0002-01-05')
      expect(fromOf()).not.toMatch(/^0/)
      await page.keyboard.type('025')
      await expect.poll(fromOf).toBe('2025-01-05')
      await page.getByRole('row').filter({ hasText: month }).first().waitFor()
      const { items } = await world().client.get('/v1/settlements')
      const odd = items.find(({ differing, missing, unknown }) => differing + missing + unknown > 0)!
      await tab.go('/payments/settlements', 'Settlements')
      await page.getByRole('link', { name: odd.file_name }).first().click()
      await page.getByRole('heading', { level: 1, name: `Settlement ${odd.file_name}` }).waitFor()
      const results = page.getByRole('navigation', { name: 'Results' }).getByRole('link')
      expect((await results.allTextContents()).map((name) => name.split(' ')[0])).toEqual([
        ...['differing', 'missing', 'unknown', 'matched', 'not_compared'],
      ])
      await page.getByRole('button', { name: 'Reconcile again' }).click()
      await page.getByText('The file is compared again').waitFor()
      await tab.expectAccessible()
      await tab.close()
    })

    it('offer a key that may only read nothing but reading', async () => {
      const { payment_intent_id: id } = await authorized('tok_ok')
      const { secret } = await world().client.post('/v1/keys', { body: { name: 'books', scopes: ['payments:read'] } })
      const tab = await world().open({ apiKey: secret })
      const { page } = tab
      await tab.go('/payments', 'Payments')
      await page.getByRole('link', { name: id }).click()
      await page.getByText('This key may look at payments').waitFor()
      expect(await page.getByRole('button', { name: /Authorize|Capture|Void|Refund/ }).count()).toBe(0)
      expect(await page.getByRole('link', { name: /Create a payment|Report/ }).count()).toBe(0)
      await tab.close()
    })

    for (const [theme, viewport] of [
      ['light', undefined],
      ['dark', PHONE],
    ] as const) {
      it(`have no part with a fault that axe finds, or wider than its window (${theme})`, async () => {
        const id = await captured('tok_ok')
        const tab = await world().open({ theme, ...(viewport === undefined ? {} : { viewport }) })
        const pages = [
          ...PARTS,
          [`/payments/${id}`, `Payment ${id}`],
          [`/payments/${id}?version=2`, `Payment ${id}`],
        ] as const
        for (const [path, heading] of pages) {
          await tab.go(path, heading)
          await tab.page.locator('main:not(:has-text("Loading"))').waitFor()
          await tab.expectAccessible()
          await tab.expectFits()
        }
        tab.expectSober()
        await tab.close()
      }, 60_000)
    }
  })
}
