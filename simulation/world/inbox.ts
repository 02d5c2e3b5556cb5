import type { WebhookInbox } from '../../src/payments/ports/inbox.ts'
import type { PersonalKeyStore } from '../../src/payments/ports/personal-keys.ts'
import { claim, type Send } from './payment-store.ts'
import { asJson, type InboxRow, type Tables } from './tables.ts'

/** Nobody asks for it here: what a human looks at is no part of a simulation. */
export function notSimulated(what: string): () => never {
  return () => {
    throw new Error(`${what} is not simulated`)
  }
}

export function openInbox({ tables, send }: { readonly tables: Tables; readonly send: Send }): WebhookInbox {
  const nameOf = (processor: string, eventId: string) => `${processor}\n${eventId}`
  return {
    store: ({ processor, eventId, type, subject }, _body, nowMs) =>
      send('inbox.store', () => {
        const name = nameOf(processor, eventId)
        if (tables.inbox.has(name)) return false
        const row: InboxRow = {
          ...{ processor, eventId, type, subject: subject && asJson(subject), attempts: 0 },
          ...{ receivedAtMs: nowMs, nextAttemptAtMs: nowMs, appliedAtMs: undefined },
        }
        tables.inbox.set(name, row)
        return true
      }),
    claim: (nowMs, leaseUntilMs, limit) =>
      send('inbox.claim', () => claim(tables.inbox.values(), 'nextAttemptAtMs', nowMs, leaseUntilMs, limit)),
    applied: (messages, nowMs) =>
      send('inbox.applied', () => {
        for (const { processor, eventId } of messages) {
          const row = tables.inbox.get(nameOf(processor, eventId))
          if (row !== undefined) Object.assign(row, { appliedAtMs: nowMs, nextAttemptAtMs: undefined })
        }
      }),
    postpone: (processor, eventId, _reason, nextAttemptAtMs) =>
      send('inbox.postpone', () => {
        const row = tables.inbox.get(nameOf(processor, eventId))
        if (row !== undefined && row.appliedAtMs === undefined)
          Object.assign(row, { attempts: row.attempts + 1, nextAttemptAtMs })
      }),
    forgetBodies: () => Promise.resolve(0),
    list: notSimulated('listing webhooks'),
    replay: notSimulated('replaying webhooks'),
  }
}

export function openPersonalKeys({ tables, send }: { readonly tables: Tables; readonly send: Send }): PersonalKeyStore {
  const living = (subject: string) =>
    [...tables.personalKeys.values()].find((key) => key.subject === subject && key.wrapped !== undefined)
  return {
    ofSubject: (subject) => send('keys.ofSubject', () => living(subject)),
    find: (keyId) => send('keys.find', () => tables.personalKeys.get(keyId)),
    add: (key) =>
      send('keys.add', () => {
        const known = living(key.subject)
        if (known === undefined) tables.personalKeys.set(key.keyId, { ...key })
        return known ?? key
      }),
    destroy: (subject) =>
      send('keys.destroy', () => {
        const keys = [...tables.personalKeys.values()].filter((key) => key.subject === subject && key.wrapped)
        for (const key of keys) key.wrapped = undefined
        return keys.length
      }),
    notUnder: notSimulated('exchanging master keys'),
    rewrap: notSimulated('exchanging master keys'),
  }
}
