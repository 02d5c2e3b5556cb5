import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import type { Bench, BenchContext, Contender, Count, Figure, Goal, Outcome } from './bench.ts'
import { type ClientProcess, runTogether, startClient } from './client-process.ts'
import { countLost } from './lost-events.ts'
import { atLeast, compare, exactly, ratio } from './measure.ts'
import { type Peer, peer } from './peers.ts'
import { type PlainRow, pgbenchScript, preparePlain } from './plain.ts'
import { openPostgres, outputOf, type Postgres, pgbench } from './postgres.ts'

const CLIENTS = [1, 32, 256] as const
/** The largest load, and what the other contenders keep open meanwhile. */
const CONNECTIONS = 256 + 64
const LOST_PROBE_EVENTS = 500
const EMMETT_VERSION = '0.42.0'

const script = (name: string) => new URL(`./clients/${name}.js`, import.meta.url)

interface Setup {
  readonly ours: readonly [ClientProcess, ClientProcess]
  readonly insert: ClientProcess
  readonly command: ClientProcess
  readonly emmett: ClientProcess | undefined
  readonly plainUrl: string
  readonly row: PlainRow
  readonly width: number
}

async function setUp(postgres: Postgres, emmett: Peer): Promise<Setup> {
  const ourUrl = await postgres.createDatabase('fanfold')
  const ours = [
    await startClient(script('fanfold-payments'), [ourUrl]),
    await startClient(script('fanfold-payments'), [ourUrl]),
  ] as const
  await ours[0].run(1, 0.2) // so that there is an event whose width can be taken
  const plainUrl = await postgres.createDatabase('plain')
  const { row, width } = await preparePlain(plainUrl, ourUrl)
  const plain = (mode: string) => startClient(script('plain-payments'), [plainUrl, mode, JSON.stringify(row)])
  return {
    ours,
    insert: await plain('event'),
    command: await plain('command'),
    emmett:
      'folder' in emmett
        ? await startClient(new URL(`file://${join(emmett.folder, 'append.mjs')}`), [
            await postgres.createDatabase('emmett'),
            row.payload,
          ])
        : undefined,
    plainUrl,
    row,
    width,
  }
}

const caseName = (who: string, clients: number) => `${who}, ${clients} client${clients === 1 ? '' : 's'}`

function contendersOf({ ours, insert, command, emmett, plainUrl, row }: Setup): Contender[] {
  const unit = 'events'
  const byClients = (who: string, run: (clients: number, seconds: number) => ReturnType<ClientProcess['run']>) =>
    CLIENTS.map(
      (clients): Contender => ({ name: caseName(who, clients), unit, run: (seconds) => run(clients, seconds) }),
    )
  return [
    ...byClients('fanfold', (clients, seconds) => ours[0].run(clients, seconds)),
    { name: caseName('fanfold, two processes', 256), unit, run: (seconds) => runTogether(ours, 256, seconds) },
    ...byClients('pgbench insert', (clients, seconds) => pgbench(plainUrl, pgbenchScript(row), clients, seconds)),
    ...(emmett === undefined ? [] : byClients('emmett', (clients, seconds) => emmett.run(clients, seconds))),
    { name: caseName('plain insert through pg', 1), unit, run: (seconds) => insert.run(1, seconds) },
    ...byClients('plain command through pg', (clients, seconds) => command.run(clients, seconds)),
  ]
}

async function countLostEvents(postgres: Postgres, emmett: Peer): Promise<{ ours: Count; theirs: Count | undefined }> {
  const ours = await countLost(await postgres.createDatabase('lost'), LOST_PROBE_EVENTS)
  const count = (who: string, { appended, lost }: { appended: number; lost: number }): Count => {
    return { case: `${who}, events lost by a reader, of ${appended}`, unit: 'events', value: lost }
  }
  if ('missing' in emmett) return { ours: count('fanfold', ours), theirs: undefined }
  const url = await postgres.createDatabase('emmett_lost')
  const theirs = JSON.parse(
    await outputOf(process.execPath, [join(emmett.folder, 'lost.mjs'), url, String(LOST_PROBE_EVENTS)]),
  )
  return { ours: count('fanfold', ours), theirs: count('emmett', theirs) }
}

function goalsOf(figures: readonly Figure[], lost: number): Goal[] {
  const figure = (name: string) => figures.find((each) => each.case === name)
  const against = (ours: string, theirs: string): number | null => {
    const [a, b] = [figure(ours), figure(theirs)]
    return a === undefined || b === undefined ? null : ratio(a, b)
  }
  const [one, many] = [caseName('fanfold', 1), caseName('fanfold', 256)]
  return [
    atLeast(
      '256 clients, against pgbench with one insert per transaction',
      1.5,
      against(many, caseName('pgbench insert', 256)),
    ),
    atLeast('256 clients, against emmett-postgresql', 10, against(many, caseName('emmett', 256))),
    atLeast(
      'one client, against the same writes as a plain transaction',
      1,
      against(one, caseName('plain command through pg', 1)),
    ),
    atLeast(
      'one client, against one plain insert through the same driver',
      1,
      against(one, caseName('plain insert through pg', 1)),
    ),
    atLeast('two processes, against one', 1, against(caseName('fanfold, two processes', 256), many)),
    exactly('events lost', 0, lost),
  ]
}

function notesOf(emmett: Peer, width: number): string[] {
  return [
    `Durable PostgreSQL, clients and server on the same ${availableParallelism()} processors. Every Node client has 10 connections.`,
    `fanfold: payments.create with an Idempotency-Key; one command writes the key, the head, the number and the event (${width} bytes).`,
    'pgbench: one insert of a row as wide as our event into a table with a sequence and one index, prepared, two threads.',
    'plain command: key, head and event by a hand-written transaction of five round trips.',
    'emmett: appendToStream of one event to a new stream; neither a key nor money limits.',
    'events lost: a reader follows while one transaction is slow and another slower; every event is there, some are never handed out.',
    ...('missing' in emmett
      ? [`emmett-postgresql ${EMMETT_VERSION} could not be installed, so it is left out: ${emmett.missing}`]
      : []),
  ]
}

async function run(context: BenchContext): Promise<Outcome> {
  const emmett = await peer('emmett', context.say)
  if ('missing' in emmett) context.say(`left out: emmett (${emmett.missing})`)
  const postgres = await openPostgres(CONNECTIONS)
  const clients: ClientProcess[] = []
  try {
    const setup = await setUp(postgres, emmett)
    clients.push(...setup.ours, setup.insert, setup.command, ...(setup.emmett === undefined ? [] : [setup.emmett]))
    const figures = await compare(contendersOf(setup), context, postgres.checkpoint)
    context.say('counting lost events')
    const { ours, theirs } = await countLostEvents(postgres, emmett)
    return {
      engines: { postgresql: postgres.version, ...('folder' in emmett ? { 'emmett-postgresql': EMMETT_VERSION } : {}) },
      results: [...figures, ours, ...(theirs === undefined ? [] : [theirs])],
      goals: goalsOf(figures, ours.value),
      notes: notesOf(emmett, setup.width),
    }
  } finally {
    await Promise.all(clients.map((client) => client.close()))
    await postgres.close()
  }
}

export const paymentsAppend: Bench = {
  name: 'payments.append',
  about: 'create payments, against pgbench, a plain transaction and emmett-postgresql',
  run,
}
