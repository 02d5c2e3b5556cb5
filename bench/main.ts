import { parseArgs } from 'node:util'
import type { Bench } from './bench.ts'
import { engines } from './engines.ts'
import { http } from './http.ts'
import { ordersFlashSale } from './orders-flash-sale.ts'
import { ordersImport } from './orders-import.ts'
import { ordersPipeline } from './orders-pipeline.ts'
import { ordersPlace } from './orders-place.ts'
import { ordersReport } from './orders-report.ts'
import { paymentsAppend } from './payments-append.ts'
import { paymentsLoad } from './payments-load.ts'
import { paymentsProjection } from './payments-projection.ts'
import { reportOf, textOf, writeReport } from './report.ts'
import { socialFanout } from './social-fanout.ts'
import { socialMemory } from './social-memory.ts'
import { socialRead } from './social-read.ts'
import { socialStaleness } from './social-staleness.ts'

const BENCHES: readonly Bench[] = [
  socialFanout,
  socialMemory,
  socialRead,
  socialStaleness,
  ordersPlace,
  ordersFlashSale,
  ordersReport,
  ordersPipeline,
  ordersImport,
  paymentsAppend,
  paymentsLoad,
  paymentsProjection,
  http,
  engines,
]

const USAGE = `Usage: npm run bench -- <name...> [--json] [--rounds N] [--seconds N] [--users N]

Measures Fanfold against the limits of the engines under it, the plain way and its peers, all in one run on one machine.
Starts what it needs, prints a table, and writes bench/results/<name>.json. Without a name: prints the list.

${BENCHES.map(({ name, about }) => `  ${name.padEnd(17)} ${about}`).join('\n')}

  --json       print the report as JSON
  --rounds N   rounds, each with a turn for every contender (default 5; orders.* and social.*: 3, or one count)
  --seconds N  seconds of each turn (default 5; orders.*, social.*: 4, social.staleness: 6)
  --users N    users of social.fanout (default 20000)
  --help       print this

Data goes to stdout, words to stderr. Exit: 0 measured, 1 failed, 2 usage; a goal that is missed is no failure.
`

const DEFAULTS = { rounds: 5, seconds: 5 }
const TURNS = [1, 9_999] as const
const USERS = [1_000, 1_000_000] as const

class UsageError extends Error {}

function readArguments(args: readonly string[]) {
  const whole = (name: string, text: string | undefined, [min, max]: readonly [number, number]) => {
    if (text === undefined) return undefined
    if (!/^\d{1,9}$/.test(text) || Number(text) < min || Number(text) > max) {
      throw new UsageError(`--${name} must be a whole number from ${min} to ${max}`)
    }
    return Number(text)
  }
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
        rounds: { type: 'string' },
        seconds: { type: 'string' },
        users: { type: 'string' },
      },
    })
    const benches = positionals.map((name) => {
      const bench = BENCHES.find((each) => each.name === name)
      if (bench === undefined) throw new UsageError(`no benchmark "${name}"`)
      return bench
    })
    const { json, help } = values
    return {
      benches,
      json,
      help,
      rounds: whole('rounds', values.rounds, TURNS),
      seconds: whole('seconds', values.seconds, TURNS),
      users: whole('users', values.users, USERS),
    }
  } catch (error) {
    throw error instanceof TypeError ? new UsageError(error.message) : error
  }
}

async function main(args: readonly string[]): Promise<number> {
  const { benches, json, help, users, ...asked } = readArguments(args)
  if (help || benches.length === 0) {
    process.stdout.write(USAGE)
    return 0
  }
  const say = (text: string) => void process.stderr.write(`${text}\n`)
  const stop = new AbortController()
  // Once: whoever can't wait for the tidying up asks again.
  for (const name of ['SIGINT', 'SIGTERM']) process.once(name, () => stop.abort(new Error(`ended by ${name}`)))
  for (const bench of benches) {
    const usual = bench.defaults ?? DEFAULTS
    const { rounds = usual.rounds, seconds = usual.seconds } = asked
    const context = { rounds, seconds, users, signal: stop.signal }
    const outcome = await bench.run({ ...context, say: (text) => say(`${bench.name}: ${text}`) })
    const report = reportOf(bench.name, { rounds, seconds }, outcome)
    const path = await writeReport(report)
    process.stdout.write(json ? `${JSON.stringify(report)}\n` : textOf(report))
    say(`written to ${path}`)
  }
  return 0
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  const usage = error instanceof UsageError
  process.stderr.write(
    usage ? `bench: ${error.message}\n\n${USAGE}` : `bench: ${error instanceof Error ? error.stack : error}\n`,
  )
  process.exitCode = usage ? 2 : 1
}
