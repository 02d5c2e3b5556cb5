import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { NO_HASH } from '../../src/core/canonical-json.ts'
import { EVENT_TYPES, EVENT_VERSIONS, type EventPayloads } from '../../src/payments/model/events.ts'
import { fold } from '../../src/payments/model/evolve.ts'
import { eventHash } from '../../src/payments/model/hash-chain.ts'
import { STATE_VERSION } from '../../src/payments/model/state.ts'
import { stateFromJson, stateToJson } from '../../src/payments/model/state-json.ts'
import { readEvent } from '../../src/payments/model/upcast.ts'

const FOLDER = new URL('../fixtures/payment-events/', import.meta.url)

/** A row of payment_events as a program of its time has stored it. Such a file never changes. */
interface Fixture {
  readonly event_type: string
  readonly schema_version: number
  readonly timestamp: string
  readonly payload: Readonly<Record<string, unknown>>
  readonly op_id: string | null
  readonly actor: string
  readonly hash: string
}

const fixtures = new Map(
  readdirSync(FOLDER).map((name) => [
    name.replace('.json', ''),
    JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8')) as Fixture,
  ]),
)

const storedOf = ({ event_type: type, schema_version: schemaVersion, timestamp, payload }: Fixture) => ({
  ...{ type, schemaVersion, payload, timestampMs: Date.parse(timestamp) },
})

const AUTHORIZED = ['AUTHORIZATION_REQUESTED.v1', 'AUTHORIZED.v1']
const CAPTURED = [...AUTHORIZED, 'CAPTURE_REQUESTED.v1', 'CAPTURED.v1']
const DISPUTED = ['DISPUTE_OPENED.v1', 'EVIDENCE_REQUESTED.v1']

/** Histories that, together, have every version of every event. */
const HISTORIES: Readonly<Record<string, readonly string[]>> = {
  'waits for the payer, grows, is captured, refunded and disputed': [
    ...['INITIATED.v2', 'AUTHORIZATION_REQUESTED.v1', 'OUTCOME_UNKNOWN.v1', 'ACTION_REQUIRED.v1', 'AUTHORIZED.v1'],
    ...['INCREMENT_REQUESTED.v1', 'INCREMENTED.v1', 'CAPTURE_REQUESTED.v1', 'CAPTURED.v1', 'REFUND_REQUESTED.v1'],
    ...['REFUNDED.v1', 'REFUND_REVERSED.v1', ...DISPUTED, 'EVIDENCE_SUBMITTED.v1', 'DISPUTE_WON.v1'],
  ],
  'is declined, and was authorized after all': [
    ...['INITIATED.v1', 'AUTHORIZATION_REQUESTED.v1', 'DECLINED.v1', 'OUTCOME_CORRECTED.v1'],
  ],
  'is authorized in part and expires': [
    ...['INITIATED.v1', 'AUTHORIZATION_REQUESTED.v1', 'PARTIALLY_AUTHORIZED.v1'],
    ...['VOID_REQUESTED.v1', 'VOID_FAILED.v1', 'AUTHORIZATION_EXPIRED.v1'],
  ],
  'fails to grow and to be captured, and is voided': [
    ...['INITIATED.v2', ...AUTHORIZED, 'INCREMENT_REQUESTED.v1', 'INCREMENT_DECLINED.v1'],
    ...['CAPTURE_REQUESTED.v1', 'CAPTURE_FAILED.v1', 'VOID_REQUESTED.v1', 'VOIDED.v1'],
  ],
  'fails to be refunded, and loses a dispute': [
    ...['INITIATED.v1', ...CAPTURED, 'REFUND_REQUESTED.v1', 'REVIEW_RESOLVED.v1', 'REFUND_FAILED.v1'],
    ...[...DISPUTED, 'EVIDENCE_FAILED.v1', 'DISPUTE_LOST.v1'],
  ],
}

const stateOf = (names: readonly string[]) => fold(names.map((name) => readEvent(storedOf(fixtures.get(name)!))))

describe('events as they were stored', () => {
  it('are kept as fixtures, every version of every event, and each is part of a history', () => {
    const all = EVENT_TYPES.flatMap((type) =>
      Array.from({ length: EVENT_VERSIONS[type] }, (_, n) => `${type}.v${n + 1}`),
    )
    expect([...fixtures.keys()].sort()).toEqual(all.toSorted())
    expect([...new Set(Object.values(HISTORIES).flat())].sort()).toEqual(all.toSorted())
  })

  it('keep their hashes, whatever they are read as', () => {
    for (const [name, fixture] of fixtures) {
      const { actor, op_id: opId, hash } = fixture
      const stored = { ...storedOf(fixture), paymentIntentId: 'pi_fixture', version: 1, prevHash: NO_HASH }
      const hashed = eventHash({ ...stored, actor, opId: opId ?? undefined })
      expect(Buffer.from(hashed).toString('hex'), name).toBe(hash)
    }
  })

  it('are read as they are in the present version, and brought up to it from older ones', () => {
    for (const [name, fixture] of fixtures) {
      const { type, payload } = readEvent(storedOf(fixture))
      expect(type, name).toBe(fixture.event_type)
      if (fixture.schema_version === EVENT_VERSIONS[type]) expect(payload, name).toEqual(fixture.payload)
    }
    const { processor, ...same } = fixtures.get('INITIATED.v1')!.payload
    const { payload } = readEvent(storedOf(fixtures.get('INITIATED.v1')!))
    expect(payload as EventPayloads['INITIATED']).toEqual({ ...same, route: [processor] })
  })

  // A failure here: raise STATE_VERSION, and keep the new states beside the old ones with  npx vitest run -u
  it('fold into the states that snapshots of this STATE_VERSION hold', async () => {
    const states = Object.fromEntries(
      Object.entries(HISTORIES).map(([name, events]) => [name, stateToJson(stateOf(events))]),
    )
    await expect(`${JSON.stringify(states, null, 2)}\n`).toMatchFileSnapshot(
      `../fixtures/payment-states/v${STATE_VERSION}.snap`,
    )
  })

  it('fold on from the state of a snapshot as from the events', () => {
    for (const [history, names] of Object.entries(HISTORIES)) {
      for (const cut of names.keys()) {
        const json = JSON.parse(JSON.stringify(stateToJson(stateOf(names.slice(0, cut)))))
        const rest = names.slice(cut).map((name) => readEvent(storedOf(fixtures.get(name)!)))
        expect(fold(rest, stateFromJson(json)), `${history}, cut at ${cut}`).toEqual(stateOf(names))
      }
    }
  })

  it.each([
    ['an event that this program does not know', { type: 'TELEPORTED' }],
    ['a name that only looks like one', { type: 'toString' }],
    ['a version of the future', { schemaVersion: EVENT_VERSIONS.INITIATED + 1 }],
    ['a version that never was', { schemaVersion: 0 }],
  ])('are refused loudly when they are %s', (_, change) => {
    const stored = { ...storedOf(fixtures.get('INITIATED.v2')!), ...change }
    expect(() => readEvent(stored)).toThrow(expect.objectContaining({ code: 'unknown_event_version' }))
  })
})
