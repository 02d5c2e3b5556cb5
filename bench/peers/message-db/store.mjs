// Message DB as its install.sh sets it up, in a database of its own. Its role is left out: it would outlive the database.
import { readFileSync } from 'node:fs'
import pg from 'pg'

const FOLDER = new URL('./node_modules/@eventide/message-db/database/', import.meta.url)

const FUNCTIONS = [
  ...['message-store-version', 'hash-64', 'acquire-lock', 'category', 'is-category', 'id', 'cardinal-id'],
  ...['stream-version', 'write-message', 'get-stream-messages', 'get-category-messages', 'get-last-stream-message'],
]
const FILES = [
  ...['schema/message-store', 'extensions/pgcrypto', 'tables/messages', 'types/message'],
  ...FUNCTIONS.map((name) => `functions/${name}`),
  ...['messages-id', 'messages-stream', 'messages-category'].map((name) => `indexes/${name}`),
]

/** The functions call each other by their bare names. */
export const connectionTo = (url) => ({ connectionString: url, options: '-c search_path=message_store,public' })

export async function install(url) {
  const client = new pg.Client(connectionTo(url))
  await client.connect()
  await client.query('set client_min_messages = warning')
  for (const file of FILES) await client.query(readFileSync(new URL(`${file}.sql`, FOLDER), 'utf8'))
  await client.end()
}

export const WRITE = { name: 'write', text: 'select write_message($1, $2, $3, $4, null, $5)' }
