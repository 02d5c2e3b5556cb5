import { describe, expect, it } from 'vitest'
import { main as client } from '../examples/client.ts'
import { main as feed } from '../examples/feed.ts'
import { main as ownProcessor } from '../examples/own-processor.ts'
import { main as paymentsAlone } from '../examples/payments-alone.ts'
import { main as rankedTimeline } from '../examples/ranked-timeline.ts'
import { main as shop } from '../examples/shop.ts'
import { main as webhookReceiver } from '../examples/webhook-receiver.ts'

describe('the examples do what they say', () => {
  it('feed.ts shows the newest post first, over pages', async () => {
    expect(await feed()).toEqual(['three', 'two', 'one'])
  })

  it('ranked-timeline.ts puts the liked post first and leaves spam out', async () => {
    expect(await rankedTimeline()).toEqual({ newest: ['spam', 'newer', 'liked'], ranked: ['liked', 'newer'] })
  })

  it('shop.ts sells, is paid, delivers, and reports the revenue', async () => {
    expect(await shop()).toEqual({ status: 'DELIVERED', revenue: 99_800, refused: 'insufficient_stock' })
  })

  it('payments-alone.ts recovers a charge whose answer was lost', async () => {
    expect(await paymentsAlone()).toEqual({ first: 'unknown', last: 'captured' })
  })

  it('own-processor.ts takes over from a processor that is down, and gives money back', async () => {
    expect(await ownProcessor()).toEqual({ processor: 'voucher', balance: 3_000, refused: 'processor_cannot' })
  })

  it('client.ts orders once though the first answer is lost, and hears of a post as it comes', async () => {
    const refused = 'insufficient_stock'
    expect(await client()).toEqual({ tries: 2, orders: 1, refused, live: 'Open for business' })
  })

  it('webhook-receiver.ts is told of a payment, and believes nobody else', async () => {
    expect(await webhookReceiver()).toEqual({
      told: ['payment.authorized', 'payment.captured', 'payment.initiated'],
      forged: 401,
    })
  })
})
