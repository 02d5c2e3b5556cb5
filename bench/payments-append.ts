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

/** Event stores on the same server: the folder in `peers`, the package, and what one append of theirs is. */
const PEERS = [
  {
    ...{ name: 'emmett', product: 'emmett-postgresql', version: '0.42.0' },
    about: 'appendToStream of one event to a new stream; neither a key nor money limits.',
  },
  {
    ...{ name: 'message-db', product: 'message-db', version: '1.3.1' },
    about:
      'write_message of one event to a new stream of one category, whose writers it lets in one by one; no key, no limits.',
  },
] as const

type Installed = (typeof PEERS)[number] & { readonly peer: Peer }

const script = (name: string) => new URL(`./clients/${name}.js`, import.meta.url)

interface Setup {
  readonly ours: readonly [ClientProcess, ClientProcess]
  readonly insert: ClientProcess
  readonly command: ClientProcess
  readonly peers: readonly { readonly name: string; readonly client: ClientProcess }[]
  readonly plainUrl: string
  readonly row: PlainRow
  readonly width: number
}

async function startPeers(
  postgres: Postgres,
  installed: readonly Installed[],
  payload: string,
): Promise<Setup['peers']> {
  const started: { name: string; client: ClientProcess }[] = []
  for (const { name, peer } of installed) {
    if ('missing' in peer) continue
    const url = await postgres.createDatabase(name.replace('-', '_'))
    const client = await startClient(new URL(`file://${join(peer.folder, 'append.mjs')}`), [url, payload])
    started.push({ name, client })
  }
  return started
}

async function setUp(postgres: Postgres, installed: readonly Installed[]): Promise<Setup> {
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
    peers: await startPeers(postgres, installed, row.payload),
    plainUrl,
    row,
    width,
  }
}

const caseName = (who: string, clients: number) => `${who}, ${clients} client${clients === 1 ? '' : 's'}`

function contendersOf({ ours, insert, command, peers, plainUrl, row }: Setup): Contender[] {
  const unit = 'events'
  const byClients = (who: string, run: (clients: number, seconds: number) => ReturnType<ClientProcess['run']>) =>
    CLIENTS.map(
      (clients): Contender => ({ name: caseName(who, clients), unit, run: (seconds) => run(clients, seconds) }),
    )
  return [
    ...byClients('fanfold', (clients, seconds) => ours[0].run(clients, seconds)),
    { name: caseName('fanfold, two processes', 256), unit, run: (seconds) => runTogether(ours, 256, seconds) },
    ...byClients('pgbench insert', (clients, seconds) => pgbench(plainUrl, pgbenchScript(row), clients, seconds)),
    ...peers.flatMap(({ name, client }) => byClients(name, (clients, seconds) => client.run(clients, seconds))),
    { name: caseName('plain insert through pg', 1), unit, run: (seconds) => insert.run(1, seconds) },
    ...byClients('plain command through pg', (clients, seconds) => command.run(clients, seconds)),
  ]
}

async function countLostEvents(
  postgres: Postgres,
  installed: readonly Installed[],
): Promise<{ ours: Count; theirs: Count[] }> {
  const count = (who: string, { appended, lost }: { appended: number; lost: number }): Count => {
    return { case: `${who}, events lost by a reader, of ${appended}`, unit: 'events', value: lost }
  }
  const ours = count('fanfold', await countLost(await postgres.createDatabase('lost'), LOST_PROBE_EVENTS))
  const theirs: Count[] = []
  for (const { name, peer } of installed) {
    if ('missing' in peer) continue
    const url = await postgres.createDatabase(`${name.replace('-', '_')}_lost`)
    const probe = [join(peer.folder, 'lost.mjs'), url, String(LOST_PROBE_EVENTS)]
    theirs.push(count(name, JSON.parse(await outputOf(process.execPath, probe))))
  }
  return { ours, theirs }
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

function notesOf(installed: readonly Installed[], width: number): string[] {
  return [
    `Durable PostgreSQL, clients and server on the same ${availableParallelism()} processors. Every Node client has 10 connections.`,
    `fanfold: payments.create with an Idempotency-Key; one command writes the key, the head, the number and the event (${width} bytes).`,
    'pgbench: one insert of a row as wide as our event into a table with a sequence and one index, prepared, two threads.',
    'plain command: key, head and event by a hand-written transaction of five round trips.',
    ...PEERS.map(({ name, about }) => `${name}: ${about}`),
    'events lost: a reader follows while one transaction is slow and another slower; every event is there, some are never handed out.',
    ...installed.flatMap(({ product, version, peer }) =>
      'missing' in peer ? [`${product} ${version} could not be installed, so it is left out: ${peer.missing}`] : [],
    ),
  ]
}

async function run(context: BenchContext): Promise<Outcome> {
  const installed: Installed[] = []
  for (const each of PEERS) {
    const found = await peer(each.name, context.say)
    if ('missing' in found) context.say(`left out: ${each.name} (${found.missing})`)
    installed.push({ ...each, peer: found })
  }
  const postgres = await openPostgres(CONNECTIONS)
  const clients: ClientProcess[] = []
  try {
    const setup = await setUp(postgres, installed)
    clients.push(...setup.ours, setup.insert, setup.command, ...setup.peers.map(({ client }) => client))
    const figures = await compare(contendersOf(setup), context, postgres.checkpoint)
    context.say('counting lost events')
    const { ours, theirs } = await countLostEvents(postgres, installed)
    return {
      engines: {
        postgresql: postgres.version,
        ...Object.fromEntries(
          installed.flatMap(({ product, version, peer }) => ('folder' in peer ? [[product, version]] : [])),
        ),
      },
      results: [...figures, ours, ...theirs],
      goals: goalsOf(figures, ours.value),
      notes: notesOf(installed, setup.width),
    }
  } finally {
    await Promise.all(clients.map((client) => client.close()))
    await postgres.close()
  }
}

export const paymentsAppend: Bench = {
  name: 'payments.append',
  about: 'create payments, against pgbench, a plain transaction, emmett-postgresql and message-db',
  run,
}
