import { fromMinor } from '../../core/money.ts'
import type { WebhookSubject } from './processor.ts'

/** What a webhook tells, as plain JSON to be kept in the inbox; {@link subjectFromJson} is its inverse. */
export function subjectToJson(subject: WebhookSubject): Record<string, unknown> {
  if (subject.kind !== 'operation') {
    const { fact } = subject
    return { ...subject, fact: { ...fact, amount: fromMinor(fact.amount) } }
  }
  const { outcome } = subject
  return outcome.kind === 'succeeded'
    ? { ...subject, outcome: { ...outcome, amount: fromMinor(outcome.amount) } }
    : { ...subject }
}

export function subjectFromJson(json: Readonly<Record<string, unknown>>): WebhookSubject {
  const subject = json as unknown as WebhookSubject
  if (subject.kind === 'dispute') return { ...subject, fact: { ...subject.fact, amount: BigInt(subject.fact.amount) } }
  if (subject.kind === 'dispute_of')
    return { ...subject, fact: { ...subject.fact, amount: BigInt(subject.fact.amount) } }
  const { outcome } = subject
  return outcome.kind === 'succeeded'
    ? { ...subject, outcome: { ...outcome, amount: BigInt(outcome.amount) } }
    : subject
}
