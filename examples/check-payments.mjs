// Checks an export of payments with Node alone, without Fanfold:
//   fanfold export payments --out payments.jsonl
//   node check-payments.mjs payments.jsonl seal-....pub.pem [payments.seals.jsonl]
// The formats are those of docs/payment-audit.md. Answers 1 when something is not as it was written and sealed.
import { createHash, createPublicKey, verify } from 'node:crypto'
import { createReadStream, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

const [exported, publicKeyFile, copiesFile] = process.argv.slice(2)
const publicKey = createPublicKey(readFileSync(publicKeyFile))
const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest('hex')
const keyId = sha256(publicKey.export({ type: 'spki', format: 'der' })).slice(0, 32)
const ZEROS = '0'.repeat(64)

// Canonical JSON (RFC 8785): names sorted, no white space. The numbers are whole.
function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.keys(value).sort().map((name) => [name, sorted(value[name])]))
}

const eventText = (e) =>
  JSON.stringify([
    ...[e.prev_hash, e.payment_intent_id, e.version, e.event_type, e.schema_version, e.timestamp, e.actor, e.op_id],
    sorted(e.payload),
  ])
const sealText = (s) =>
  JSON.stringify([
    ...['fanfold-seal-1', s.log, s.shard, s.seal_number, s.event_id, s.chain_hash, s.sealed_at, s.previous, s.key_id],
  ])

const found = []
const note = (...words) => found.push(words.join(' '))
const copies = copiesFile ? readFileSync(copiesFile, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line)) : []
let [shard, payments, chain, events, seals, isWhole] = [undefined, new Map(), '', 0, [], false]

function endShard() {
  if (shard === undefined) return
  const beyond = [...seals, ...copies.filter((copy) => copy.shard === shard.shard)]
    .filter((seal) => Number(seal.event_id) > events)
  for (const seal of beyond) note('shard', shard.shard, 'ends at event', events, 'but was sealed to', seal.event_id)
  if (events !== Number(shard.head)) note('shard', shard.shard, 'has', events, 'events, not', shard.head)
}

for await (const text of createInterface({ input: createReadStream(exported) })) {
  const line = JSON.parse(text)
  const place = `shard ${line.shard}, event ${line.event_id}:`
  if (line.kind === 'shard') {
    endShard()
    ;[shard, payments, chain, events, seals] = [line, new Map(), ZEROS, 0, []]
    const kept = copies.filter((copy) => copy.shard === line.shard)
    shard.sealedAt = Map.groupBy ? undefined : undefined
    shard.copies = kept
  } else if (line.kind === 'seal') {
    const before = seals.at(-1)
    if (line.key_id !== keyId) note(place, 'a seal of the unknown key', line.key_id)
    else if (!verify(null, Buffer.from(sealText(line)), publicKey, Buffer.from(line.signature, 'hex')))
      note(place, 'the signature of the seal is wrong')
    if (line.previous !== (before ? sha256(sealText(before)) : ZEROS) || line.seal_number !== seals.length + 1)
      note(place, 'seal', line.seal_number, 'does not follow the one before')
    seals.push(line)
  } else if (line.kind === 'event') {
    events += 1
    if (line.event_id !== String(events)) note(place, 'should be event', events)
    const before = payments.get(line.payment_intent_id) ?? { version: 0, hash: ZEROS }
    if (line.version !== before.version + 1 || line.prev_hash !== before.hash)
      note(place, line.payment_intent_id, 'version', line.version, 'does not follow version', before.version)
    if (sha256(eventText(line)) !== line.hash)
      note(place, line.payment_intent_id, 'version', line.version, 'is not as it was written')
    payments.set(line.payment_intent_id, line)
    chain = sha256(Buffer.from(chain, 'hex'), Buffer.from(line.hash, 'hex'))
    for (const seal of [...seals, ...shard.copies])
      if (seal.event_id === line.event_id && seal.chain_hash !== chain) note(place, 'the log up to here is not as sealed')
  } else if (line.kind === 'end') {
    endShard()
    isWhole = true
  }
}
if (!isWhole) note('the file was cut off')
for (const words of found) console.log(words)
console.log(found.length === 0 ? 'ok' : `${found.length} findings`)
process.exitCode = found.length === 0 ? 0 : 1
