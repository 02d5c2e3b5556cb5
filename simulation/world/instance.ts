import type { Clock } from '../../src/core/clock.ts'
import { isAppError, messageOf } from '../../src/core/errors.ts'
import { type Logger, silentLogger } from '../../src/core/logger.ts'
import { foldRound } from '../../src/log/fold.ts'
import { createPayments, type Payments } from '../../src/payments/payments.ts'
import { createPersonalData } from '../../src/payments/privacy/personal-data.ts'
import type { Processor } from '../../src/payments/processing/processor.ts'
import { type Caller, isInjected } from '../engine/network.ts'
import { openInbox, openPersonalKeys } from './inbox.ts'
import { openPaymentStore, type Send } from './payment-store.ts'
import { AUDIT, BOOKS, openLog, openViews, paymentProjection } from './read-models.ts'
import type { World } from './world.ts'

/** One process of Fanfold. It can die at any moment: then all that it was waiting for never comes. */
export interface Instance extends Caller {
  readonly payments: Payments
  /** How far its clock is off, in milliseconds. */
  skewMs: number
  /** The worker's step, unless it is at it: recovers, applies webhooks, expires; and folds the log. */
  work(): void
  isWorking: boolean
}

/** How often a worker's step folds the log, too. */
const FOLDS = 0.4

/** What may go wrong in a world of faults; anything else is a fault of the program. */
export function isExpected(error: unknown): boolean {
  if (isInjected(error) || (error instanceof AggregateError && error.errors.every(isExpected))) return true
  if (isAppError(error)) return error.status < 500 || error.code === 'write_contention'
  return /^the sandbox lost the |^no answer within /.test(messageOf(error))
}

/** Keeps an error that nobody has foreseen as a violation. */
export function expect({ witness }: World, what: string, error: unknown): void {
  if (isExpected(error) || witness.violation !== undefined) return
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error)
  try {
    witness.fail('nothing fails unexpectedly', `${what}: ${stack}`)
  } catch {
    // It is kept; whoever runs the world looks.
  }
}

export function startInstance(world: World, name: string): Instance {
  const { timeline, random, network, database, banks, tables, witness, masterKey, metrics } = world
  const caller: Caller & { skewMs: number } = { name, isAlive: true, skewMs: 0 }
  const clock: Clock = {
    now: () => timeline.now() + caller.skewMs,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve()
        timeline.after(ms, resolve)
        signal?.addEventListener('abort', () => resolve(), { once: true })
      }),
  }
  const send: Send = (what, statement) => network.call(caller, database, what, statement)
  const logger: Logger = {
    ...silentLogger,
    error(fields, message = '') {
      if ('err' in fields) expect(world, message, fields.err)
    },
  }

  function overNetwork(sandbox: Processor): Processor {
    const call = <Request extends { readonly key: string }, Answer>(
      what: string,
      to: (request: Request) => Promise<Answer>,
    ) => {
      return (request: Request) =>
        network.call(caller, banks, `${sandbox.name}.${what} ${request.key}`, () => to(request))
    }
    return {
      ...sandbox,
      authorize: call('authorize', sandbox.authorize),
      increment: call('increment', sandbox.increment),
      capture: call('capture', sandbox.capture),
      void: call('void', sandbox.void),
      refund: call('refund', sandbox.refund),
      submitEvidence: call('submitEvidence', sandbox.submitEvidence),
      lookup: call('lookup', sandbox.lookup),
    }
  }

  const ports = {
    store: openPaymentStore({ tables, witness, send, clock, random }),
    inbox: openInbox({ tables, send }),
    views: openViews({ tables, send }),
    books: BOOKS,
    audit: AUDIT,
  }
  const personalKeys = openPersonalKeys({ tables, send })
  const payments = createPayments({
    ...{ ports, clock, logger, metrics, defaultProcessor: 'sandbox' },
    personalData: createPersonalData({ store: personalKeys, masterKeys: [masterKey], clock }),
    routes: [{ currencies: ['CHF'], processors: ['sandbox_basic', 'sandbox'] }],
    processors: new Map(Array.from(world.sandboxes, ([id, sandbox]) => [id, overNetwork(sandbox)])),
  })
  const context = { store: openLog(tables, send), logger }
  const projection = paymentProjection(witness)

  async function recover(): Promise<void> {
    await payments.recovery.runDue()
  }

  async function fold(): Promise<void> {
    const { failures } = await foldRound(context, projection)
    for (const { error } of failures) expect(world, `${name}'s projector`, error)
  }

  async function step(): Promise<void> {
    // The read models lag behind, now more and now less.
    const tasks = random.chance(FOLDS) ? [recover(), fold()] : [recover()]
    for (const result of await Promise.allSettled(tasks))
      if (result.status === 'rejected') expect(world, `${name}'s worker`, result.reason)
  }

  return Object.assign(caller, {
    payments,
    isWorking: false,
    work(this: Instance) {
      if (this.isWorking) return
      this.isWorking = true
      void step().finally(() => {
        this.isWorking = false
      })
    },
  })
}
