import { type Cast, decideOne, resolveOne } from './actions.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** Mostly moments, so that what is under way at the same time meets; now and then days, so that keys and holds run out. */
function durationOf({ random }: Cast['world']): number {
  const kind = random.next()
  if (kind < 0.6) return random.between(0, 30)
  if (kind < 0.85) return random.between(30, 3 * SECOND)
  if (kind < 0.95) return random.between(3 * SECOND, 2 * MINUTE)
  if (kind < 0.99) return random.between(2 * MINUTE, 2 * HOUR)
  return random.between(2 * HOUR, 2 * DAY)
}

/** The next time at which something is due for a worker, or for a sandbox. */
function nextDueMs({ world: { tables, books } }: Cast): number {
  let nextMs = Number.POSITIVE_INFINITY
  for (const { nextCheckAtMs } of tables.operations.values()) nextMs = Math.min(nextMs, nextCheckAtMs ?? nextMs)
  for (const { nextAttemptAtMs } of tables.inbox.values()) nextMs = Math.min(nextMs, nextAttemptAtMs ?? nextMs)
  for (const { expiresAtMs } of tables.heads.values()) nextMs = Math.min(nextMs, expiresAtMs ?? nextMs)
  for (const { dueAtMs } of books.dues.values()) nextMs = Math.min(nextMs, dueAtMs)
  return nextMs
}

const WORK_ROUNDS = 4

/** Lets time pass; the workers are at work meanwhile, or stand still. */
export async function passTime(cast: Cast): Promise<void> {
  const { timeline, random, witness } = cast.world
  const untilMs = timeline.now() + durationOf(cast.world)
  const workers = random.chance(0.5) ? WORK_ROUNDS : 0
  for (let round = 0; round < workers && untilMs - timeline.now() > SECOND; round++) {
    await timeline.runUntil(Math.min(untilMs, Math.max(timeline.now() + SECOND, nextDueMs(cast))))
    for (const instance of cast.instances) instance.work()
    if (witness.violation !== undefined) return
  }
  await timeline.runUntil(Math.max(untilMs, timeline.now()))
}

/** Far more than anything takes that comes to an end at all. */
const REST_ROUNDS = 300

/** Whether everything that was begun has come to an end, or waits for a person. */
function isAtRest({ world: { tables, books }, clients }: Cast): boolean {
  const operations = [...tables.operations.values()]
  const waitsForPerson = (paymentIntentId: string | undefined) =>
    operations.some((row) => row.paymentIntentId === paymentIntentId && row.status === 'review')
  return (
    tables.logs.every((log, shard) => BigInt(log.length) === tables.readModels.checkpoints[shard]) &&
    clients.requests.every(({ status, paymentIntentId }) => status !== 'open' || waitsForPerson(paymentIntentId)) &&
    operations.every(({ status }) => status === 'succeeded' || status === 'failed' || status === 'review') &&
    [...tables.inbox.values()].every(({ nextAttemptAtMs }) => nextAttemptAtMs === undefined) &&
    [...books.dues.values()].every(({ dueAtMs }) => dueAtMs === Number.POSITIVE_INFINITY)
  )
}

/**
 * Without faults, with patient clients and a worker that works: everything must come to an end by itself, in whatever state
 * the faults have left it. Buyers decide, operators look at some of what needs a person.
 */
export async function bringToRest(cast: Cast): Promise<void> {
  const { world, clients, mail, instances } = cast
  const { timeline, witness, random } = world
  const [instance] = instances
  for (let round = 1; round <= REST_ROUNDS; round++) {
    const isPatient = round > 5 && round % 5 > 0
    for (const request of clients.requests)
      if (request.status === 'open' && !isPatient && !clients.isUnderWay(request)) clients.send(request, instance!)
    await decideOne(cast)
    if (random.chance(0.5)) resolveOne(cast)
    await mail.collect()
    const posted = mail.postAll(instance!)
    instance!.work()
    await timeline.runUntil(timeline.now() + 5 * SECOND)
    if (witness.violation !== undefined) return
    if (posted === 0 && isAtRest(cast)) return
    await timeline.runUntil(Math.max(timeline.now(), Math.min(nextDueMs(cast), timeline.now() + DAY)))
  }
  const open = [...world.tables.operations.values()].filter(({ nextCheckAtMs }) => nextCheckAtMs !== undefined)
  const asked = clients.requests.filter(({ status }) => status === 'open')
  const waiting = [...world.tables.inbox.values()].filter(({ nextAttemptAtMs }) => nextAttemptAtMs !== undefined)
  const said = [
    ...open.map(({ opId, kind, status }) => `${kind} ${opId} is ${status}`),
    ...asked.map(({ what, key }) => `${what} (${key}) has no answer`),
    ...waiting.map(({ eventId }) => `webhook ${eventId} is not applied`),
  ]
  witness.fail('everything comes to an end', said.join('; ') || 'the read models or the sandboxes')
}
