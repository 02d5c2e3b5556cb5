/** Webhooks of processors. */
export interface InboxMessage {
  readonly processor: string
  readonly eventId: string
  readonly type: string
  /** What it tells, as JSON; see `outcome-json.ts`. */
  readonly subject: Readonly<Record<string, unknown>> | undefined
  readonly attempts: number
}

/** Webhooks, stored before anything is done with them. */
export interface WebhookInbox {
  /** False when this message is here already. `body` is what came in, encrypted. */
  store(message: Omit<InboxMessage, 'attempts'>, body: string, nowMs: number): Promise<boolean>
  /** Messages that wait and whose time has come; until `leaseUntilMs` nobody else gets them. */
  claim(nowMs: number, leaseUntilMs: number, limit: number): Promise<InboxMessage[]>
  /** These messages are applied. */
  applied(messages: readonly Pick<InboxMessage, 'processor' | 'eventId'>[], nowMs: number): Promise<void>
  /** `reason` is why it could not be applied; without a next time it is given up on and stays to be seen. */
  postpone(processor: string, eventId: string, reason: string, nextAttemptAtMs: number | undefined): Promise<void>
  /** Forgets the bodies of up to `limit` messages received before then that do not wait; answers how many. */
  forgetBodies(beforeMs: number, limit: number): Promise<number>
  /** Messages in the order in which they came, after `after`; only those of this state, if one is given. */
  list(
    filter: { readonly processor?: string | undefined; readonly state?: InboxState | undefined },
    after: InboxKey | undefined,
    limit: number,
  ): Promise<ListedMessage[]>
  /** Makes messages due again, also those that were applied or given up on; answers how many. */
  replay(
    which: {
      readonly processor: string
      readonly eventIds?: readonly string[] | undefined
      readonly state?: InboxState | undefined
    },
    nowMs: number,
  ): Promise<number>
}

/** waiting: to be applied; applied; failed: given up on after the last try. */
export type InboxState = 'waiting' | 'applied' | 'failed'

export interface ListedMessage extends Omit<InboxMessage, 'subject'> {
  readonly state: InboxState
  readonly receivedAtMs: number
  readonly appliedAtMs: number | undefined
  readonly lastError: string | undefined
}

export type InboxKey = Pick<ListedMessage, 'receivedAtMs' | 'processor' | 'eventId'>
