// Counts events that emmett's consumer never hands out, for the same history as lost-events.ts plays on Fanfold: while
// a consumer follows, transaction A takes its id and is slow, transaction B takes a later id and is slower, others
// append and commit, A appends and commits, then B ends. Prints {appended, lost} as JSON.
import { getPostgreSQLEventStore } from '@event-driven-io/emmett-postgresql'
import pg from 'pg'

const [url, count] = process.argv.slice(2)
const DEADLINE_MS = 30_000

async function connect() {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  return client
}

const store = getPostgreSQLEventStore(url)
await store.schema.migrate()
const [slow, slower] = [await connect(), await connect()]
await slow.query('create table orders_of_the_shop (note text)')
const WRITE = `insert into orders_of_the_shop values ('a row of the application')`

let appended = 0
const append = async (to) => {
  const n = appended++
  await to.appendToStream(`payment-${n}`, [{ type: 'INITIATED', data: { n } }])
  return n
}

const handled = new Set()
const consumer = store.consumer()
consumer.reactor({ processorId: 'count', eachMessage: async ({ data }) => void handled.add(data.n) })
const consuming = consumer.start()
const untilHandled = async (n) => {
  const deadline = Date.now() + DEADLINE_MS
  while (!handled.has(n)) {
    if (Date.now() > deadline) throw new Error(`event ${n} was not handled in ${DEADLINE_MS} ms`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

await untilHandled(await append(store))
await slow.query('begin')
await slow.query(WRITE)
await slower.query('begin')
await slower.query(WRITE)
await Promise.all(Array.from({ length: Number(count) }, () => append(store)))
// On the connection of the open transaction the append becomes a part of it, and commits it.
const late = getPostgreSQLEventStore(url, { connectionOptions: { client: slow }, schema: { autoMigration: 'None' } })
await untilHandled(await append(late))
await slower.query('commit')
await untilHandled(await append(store))

await consumer.close()
await consuming
await store.close()
await Promise.all([slow.end(), slower.end()])
process.stdout.write(`${JSON.stringify({ appended, lost: appended - handled.size })}\n`)
