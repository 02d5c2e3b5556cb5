import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import type { Measured } from './bench.ts'
import { ROOT } from './root.ts'

/** The output of a program that must succeed; its words go to our stderr. */
export function outputOf(program: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] })
    const text = { out: '', err: '' }
    child.stdout.on('data', (chunk) => (text.out += chunk))
    child.stderr.on('data', (chunk) => (text.err += chunk))
    child.once('error', reject)
    child.once('close', (code) =>
      code === 0 ? resolve(text.out) : reject(new Error(`${program} ended with ${code}: ${text.err.trim()}`)),
    )
  })
}

export interface Postgres {
  readonly version: string
  /** An empty database of its own; answers its URL. */
  createDatabase(name: string): Promise<string>
  /** Writes everything to disk, so that the next measurement does not pay for the one before. */
  checkpoint(): Promise<void>
  /** Drops the databases. */
  close(): Promise<void>
}

async function serverUrl(): Promise<string> {
  const given = process.env['FANFOLD_TEST_POSTGRES_URL']
  if (given !== undefined) return given
  const exports = await outputOf('scripts/engines', ['up', 'postgres'])
  const url = /^export FANFOLD_TEST_POSTGRES_URL=(\S+)$/m.exec(exports)?.[1]
  if (url === undefined) throw new Error(`scripts/engines printed no URL: ${exports}`)
  return url
}

/**
 * A PostgreSQL that keeps what it acknowledges and takes so many connections; started when none is named by
 * FANFOLD_TEST_POSTGRES_URL.
 */
export async function openPostgres(connections: number): Promise<Postgres> {
  const url = await serverUrl()
  const admin = new pg.Client({ connectionString: url })
  await admin.connect()
  const setting = async (name: string) => (await admin.query(`show ${name}`)).rows[0][name] as string
  const refuse = async (reason: string) => {
    await admin.end()
    throw new Error(`${url}: ${reason}`)
  }
  for (const name of ['fsync', 'synchronous_commit']) {
    if ((await setting(name)) !== 'on') await refuse(`${name} must be on: what is measured must be durable`)
  }
  if (Number(await setting('max_connections')) < connections) {
    await refuse(`max_connections must be at least ${connections}; scripts/engines down postgres, and up, makes it so`)
  }
  const created: string[] = []
  return {
    version: `${(await setting('server_version')).split(' ')[0]} (fsync on, synchronous_commit on)`,
    async createDatabase(name) {
      const database = `fanfold_bench_${name}_${randomBytes(4).toString('hex')}`
      await admin.query(`create database ${database}`)
      created.push(database)
      const own = new URL(url)
      own.pathname = `/${database}`
      return own.href
    },
    async checkpoint() {
      await admin.query('checkpoint')
    },
    async close() {
      for (const database of created) await admin.query(`drop database if exists ${database} with (force)`)
      await admin.end()
    },
  }
}

/** Runs statements on a database, and answers the rows of the last one. */
export async function query(url: string, ...statements: string[]): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    let rows: Record<string, unknown>[] = []
    for (const statement of statements) rows = (await client.query(statement)).rows
    return rows
  } finally {
    await client.end()
  }
}

/** PostgreSQL's own load generator: on the PATH, or where Debian keeps it. */
function pgbenchProgram(): string {
  const debian = '/usr/lib/postgresql'
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : []
  return versions.map((version) => join(debian, version, 'bin/pgbench')).find((path) => existsSync(path)) ?? 'pgbench'
}

/** Runs a script of one transaction with prepared statements, by as many clients; two threads, as we have two cores. */
export async function pgbench(url: string, script: string, clients: number, seconds: number): Promise<Measured> {
  const folder = await mkdtemp(join(tmpdir(), 'fanfold-pgbench-'))
  try {
    const file = join(folder, 'script.sql')
    await writeFile(file, script)
    const options = [
      '--no-vacuum',
      '--protocol=prepared',
      `--client=${clients}`,
      `--jobs=${Math.min(clients, 2)}`,
      `--file=${file}`,
    ]
    const warmUp = await outputOf(pgbenchProgram(), [...options, '--transactions=10', url])
    // --time counts from before the connections are made, which takes seconds for hundreds of them.
    const connectMs = Number(/^initial connection time = ([\d.]+) ms/m.exec(warmUp)?.[1] ?? 0)
    const time = `--time=${Math.ceil(seconds + connectMs / 1_000)}`
    const summary = await outputOf(pgbenchProgram(), [...options, time, '--log', `--log-prefix=${folder}/log`, url])
    const logs = (await readdir(folder)).filter((name) => name.startsWith('log'))
    const texts = await Promise.all(logs.map((name) => readFile(join(folder, name), 'utf8')))
    // Third field: the time of the transaction in microseconds.
    const latenciesMs = Float64Array.from(
      texts.flatMap((text) => text.trimEnd().split('\n')),
      (line) => Number(line.split(' ')[2]) / 1_000,
    )
    const perSecond = Number(/^tps = ([\d.]+) /m.exec(summary)?.[1])
    if (!(perSecond > 0)) throw new Error(`pgbench measured nothing: ${summary}`)
    return { seconds: latenciesMs.length / perSecond, latenciesMs }
  } finally {
    await rm(folder, { recursive: true })
  }
}
