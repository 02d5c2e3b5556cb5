// Counts events that a reader of a category is never given, for the same history as lost-events.ts plays on Fanfold:
// while a reader follows, transaction A is slow, transaction B is slower, others append and commit, A appends and
// commits, then B ends. Prints {appended, lost} as JSON.
import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { connectionTo, install, WRITE } from './store.mjs'

const [url, count] = process.argv.slice(2)
const DEADLINE_MS = 30_000

await install(url)
const pool = new pg.Pool({ ...connectionTo(url), max: 10 })
const [slow, slower] = [await pool.connect(), await pool.connect()]
await slow.query('create table public.orders_of_the_shop (note text)')
const SHOP = `insert into public.orders_of_the_shop values ('a row of the application')`

let appended = 0
const append = async (to) => {
  const n = appended++
  await to.query({ ...WRITE, values: [randomUUID(), `payment-${n}`, 'INITIATED', { n }, -1] })
  return n
}

const seen = new Set()
let [position, stopped] = [1n, false]
async function follow() {
  while (!stopped) {
    const { rows } = await pool.query(`select global_position, data from get_category_messages('payment', $1, 100)`, [
      String(position),
    ])
    for (const row of rows) {
      seen.add(JSON.parse(row.data).n)
      position = BigInt(row.global_position) + 1n
    }
    await pause(5)
  }
}
const following = follow()
const untilSeen = async (n) => {
  const deadline = Date.now() + DEADLINE_MS
  while (!seen.has(n)) {
    if (Date.now() > deadline) throw new Error(`event ${n} was not read in ${DEADLINE_MS} ms`)
    await pause(10)
  }
}

await untilSeen(await append(pool))
for (const client of [slow, slower]) {
  await client.query('begin')
  await client.query(SHOP)
}
await Promise.all(Array.from({ length: Number(count) }, () => append(pool)))
const late = await append(slow)
await slow.query('commit')
await untilSeen(late)
await slower.query('commit')
await untilSeen(await append(pool))

stopped = true
await following
for (const client of [slow, slower]) client.release()
await pool.end()
process.stdout.write(`${JSON.stringify({ appended, lost: appended - seen.size })}\n`)
