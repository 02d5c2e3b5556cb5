import { AppError } from '../../core/errors.ts'
import { EVENT_VERSIONS, type EventType, type RecordedEvent } from './events.ts'

type Payload = Readonly<Record<string, unknown>>
/** Makes the payload of one version the payload of the next. Pure; what is stored, and its hash, stay as they are. */
type Upcaster = (payload: Payload) => Payload

/** By event and the version that is read: each makes the one after it. */
const UPCASTERS: Partial<Record<EventType, Readonly<Record<number, Upcaster>>>> = {
  // A payment had one processor; now it has a route.
  INITIATED: { 1: ({ processor, ...payload }) => ({ ...payload, route: [processor] }) },
}

function isEventType(type: string): type is EventType {
  return Object.hasOwn(EVENT_VERSIONS, type)
}

function unknownVersion(type: string, schemaVersion: number): AppError {
  return new AppError('unknown_event_version', `This program can't read ${type} in version ${schemaVersion}; update it`)
}

/**
 * A stored event as this program understands it: payloads of older versions are brought up to date one version at a
 * time. Throws `unknown_event_version` rather than guess.
 */
export function readEvent(stored: {
  readonly type: string
  readonly schemaVersion: number
  readonly payload: Payload
  readonly timestampMs: number
}): RecordedEvent {
  const { type, schemaVersion, timestampMs } = stored
  if (!isEventType(type) || schemaVersion > EVENT_VERSIONS[type]) throw unknownVersion(type, schemaVersion)
  let { payload } = stored
  for (let version = schemaVersion; version < EVENT_VERSIONS[type]; version++) {
    const upcast = UPCASTERS[type]?.[version]
    if (upcast === undefined) throw unknownVersion(type, schemaVersion)
    payload = upcast(payload)
  }
  return { type, payload, timestampMs } as unknown as RecordedEvent
}
