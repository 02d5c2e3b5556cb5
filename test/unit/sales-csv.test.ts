import { describe, expect, it } from 'vitest'
import { factsCsvLine, salesReportCsv } from '../../src/orders/report/csv.ts'

describe('the sales report as CSV', () => {
  it('has no text that a spreadsheet would run as a formula, and its numbers as they are', () => {
    const figures = { price: -500, tax: -1, quantity: -1, orders: 1 }
    const csv = salesReportCsv({
      total: figures,
      rows: ['=1+1', '+tea', '-tea', '@tea', '\ttea', '\rtea', 'tea=1'].map((city) => ({ city, ...figures })),
      ...{ currency: 'EUR', definition_version: 2, fresh_as_of: '2026-01-01T00:00:00.000Z', lag_events: 0 },
    })
    const texts = ["'=1+1", "'+tea", "'-tea", "'@tea", "'\ttea", '"\'\rtea"', 'tea=1']
    expect(csv.split('\n').slice(1, -1)).toEqual(texts.map((text) => `${text},-500,-1,-1,1,EUR`))
  })

  it('is as harmless row by row', () => {
    const line = factsCsvLine({
      ...{ bookedDay: '2026-01-01', orderId: 1n, eventNo: 1, lineNo: 1, leg: 0, kind: 'cancel', saleDay: '2026-01-01' },
      ...{ orderDateMs: 0, customerName: '=Ann', productId: 'tea', productName: '+Tea', productCategory: '@x' },
      ...{ quantity: -1, price: -500n, tax: 0n, currency: 'EUR' },
      ...{ shippingCountry: 'NO', shippingRegion: undefined, shippingCity: '-Oslo' },
    })
    expect(line).toBe(
      "2026-01-01,1,1,1,0,cancel,2026-01-01,1970-01-01T00:00:00.000Z,'=Ann,tea,'+Tea,'@x,-1,-500,0,EUR,NO,,'-Oslo\n",
    )
  })
})
