// Checks an export of payments with Node alone, without Fanfold:
//   node check-payments.mjs payments.jsonl seal-....pub.pem [copies.seals.jsonl]
// The formats are in docs/payment-audit.md. Exit code 1 when something is not as it was written and sealed.
import { createHash, createPublicKey, verify } from 'node:crypto'
import { createReadStream, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

const [exported, ...others] = process.argv.slice(2)
if (exported === undefined) throw new Error('say which file to check, and the public keys')
const ZEROS = '0'.repeat(64)
const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest('hex')
const bytes = (hex) => Buffer.from(hex, 'hex')

const found = []
const note = (...words) => found.push(words.join(' '))

const keys = new Map()
for (const file of others.filter((name) => name.endsWith('.pem'))) {
  const key = createPublicKey(readFileSync(file))
  keys.set(sha256(key.export({ type: 'spki', format: 'der' })).slice(0, 32), key)
}

// Canonical JSON (RFC 8785): names sorted, no white space. All numbers are whole.
function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted)
  if (value === null || typeof value !== 'object') return value
  const names = Object.keys(value).sort()
  return Object.fromEntries(names.map((name) => [name, sorted(value[name])]))
}

const eventText = (e) => {
  const head = [
    e.prev_hash,
    e.payment_intent_id,
    e.version,
    e.event_type,
    e.schema_version,
    e.timestamp,
    e.actor,
    e.op_id,
  ]
  return JSON.stringify([...head, sorted(e.payload)])
}
const sealText = (s) => {
  const rest = [s.event_id, s.chain_hash, s.sealed_at, s.previous, s.key_id]
  return JSON.stringify(['fanfold-seal-1', s.log, s.shard, s.seal_number, ...rest])
}

function isBelieved(seal) {
  const key = keys.get(seal.key_id)
  const isGood = key !== undefined && verify(null, Buffer.from(sealText(seal)), key, bytes(seal.signature))
  if (!isGood) note(`shard ${seal.shard}, seal ${seal.seal_number}: not signed by a key that is known`)
  return isGood
}

const copies = others
  .filter((name) => name.endsWith('.jsonl'))
  .flatMap((file) => readFileSync(file, 'utf8').split('\n'))
  .filter((line) => line.endsWith('}'))
  .map((line) => JSON.parse(line))
  .filter(isBelieved)

let shard
let isWhole = false

function begin(line) {
  const kept = copies.filter((copy) => copy.shard === line.shard)
  const sealed = new Map(kept.map((copy) => [copy.event_id, copy.chain_hash]))
  shard = { ...line, sealed, kept, seals: [], payments: new Map(), chain: ZEROS, events: 0 }
}

function takeSeal(seal) {
  const before = shard.seals.at(-1)
  if (seal.seal_number !== shard.seals.length + 1 || seal.previous !== (before ? sha256(sealText(before)) : ZEROS))
    note(`shard ${seal.shard}, seal ${seal.seal_number}: does not follow the one before`)
  if (isBelieved(seal) && !shard.sealed.has(seal.event_id)) shard.sealed.set(seal.event_id, seal.chain_hash)
  shard.seals.push(seal)
}

function takeEvent(event) {
  const place = `shard ${event.shard}, event ${event.event_id}: version ${event.version} of ${event.payment_intent_id}`
  const before = shard.payments.get(event.payment_intent_id) ?? { version: 0, hash: ZEROS }
  shard.events += 1
  if (event.event_id !== String(shard.events)) note(`${place} should be event ${shard.events}`)
  if (event.version !== before.version + 1 || event.prev_hash !== before.hash)
    note(`${place} does not follow version ${before.version}`)
  if (sha256(eventText(event)) !== event.hash) note(`${place} is not as it was written`)
  shard.payments.set(event.payment_intent_id, { version: event.version, hash: event.hash })
  shard.chain = sha256(bytes(shard.chain), bytes(event.hash))
  if ((shard.sealed.get(event.event_id) ?? shard.chain) !== shard.chain)
    note(`shard ${event.shard}: the log up to event ${event.event_id} is not as it was sealed`)
  shard.sealed.delete(event.event_id)
}

function end() {
  if (shard === undefined) return
  for (const eventId of shard.sealed.keys()) note(`shard ${shard.shard}: event ${eventId} was sealed, but is not there`)
  for (const copy of shard.kept) {
    const seal = shard.seals[copy.seal_number - 1]
    if (seal === undefined || sealText(seal) !== sealText(copy))
      note(`shard ${shard.shard}, seal ${copy.seal_number}: not as it was copied`)
  }
  if (String(shard.events) !== shard.head) note(`shard ${shard.shard}: ${shard.events} events, not ${shard.head}`)
}

for await (const text of createInterface({ input: createReadStream(exported) })) {
  const line = JSON.parse(text)
  if (line.kind === 'shard' || line.kind === 'end') end()
  if (line.kind === 'shard') begin(line)
  if (line.kind === 'seal') takeSeal(line)
  if (line.kind === 'event') takeEvent(line)
  if (line.kind === 'end') isWhole = true
}
if (!isWhole) note('the file was cut off')
for (const words of found) console.log(words)
console.log(found.length === 0 ? 'ok' : `${found.length} findings`)
process.exitCode = found.length === 0 ? 0 : 1
