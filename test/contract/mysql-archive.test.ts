import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { MysqlClient } from '../../src/engines/mysql/client-mysql2.ts'
import { createArchive } from '../../src/engines/mysql/report-archive.ts'
import { type MysqlDatabase, mysqlServer, openMysqlDatabase } from '../setup/mysql.ts'

const server = mysqlServer()
const JANUARY = '2026-01-10'

const INSERT = `
insert into daily_sales_report_gen (generation, shard, booked_day, order_id, event_no, line_no, leg, kind, sale_day,
  order_date, product_id, product_name, product_category, quantity, price, tax, currency, shipping_country, shipping_city)
select live_generation, 0, ?, 4711, ?, 1, 1, ?, '${JANUARY}', '${JANUARY} 10:00:00', 'pen', 'Pen', 'Office', 1, 250, 0, 'EUR',
  'DE', 'Berlin'
from projections where name = 'daily_sales_report'`

describe.skipIf(server === undefined)('archives of the sales report on MariaDB', () => {
  let database: MysqlDatabase
  beforeAll(async () => {
    database = await openMysqlDatabase(server!)
    await database.sql.execute(
      `insert into projections (name, log, version, live_generation, updated_at)
       values ('daily_sales_report', 'orders', 1, 1, now(6))
       on duplicate key update live_generation = live_generation`,
    )
  })
  afterAll(() => database.drop())

  it('know when that was booked which came while the month was on its way', async () => {
    const { sql } = database
    await sql.execute(INSERT, [JANUARY, 1, 'sale'])
    let transactions = 0
    const beside: MysqlClient = {
      ...sql,
      async transaction(work, options) {
        transactions += 1
        // The month is entered by then; its rows are moved next.
        if (transactions === 2) await sql.execute(INSERT, ['2026-03-05', 2, 'return'])
        return sql.transaction(work, options)
      },
    }
    expect(await createArchive(beside).archive('2026-02', Date.UTC(2026, 2, 6))).toMatchObject([{ facts: 2 }])
    const range = 'select booked_from, booked_to from daily_sales_report_archives'
    expect(await sql.query(range)).toEqual([{ booked_from: JANUARY, booked_to: '2026-03-05' }])
  })
})
