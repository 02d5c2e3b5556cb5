import { parseArgs } from 'node:util'
import type { Bench } from './bench.ts'
import { http } from './http.ts'
import { paymentsAppend } from './payments-append.ts'
import { reportOf, textOf, writeReport } from './report.ts'

const BENCHES: readonly Bench[] = [http, paymentsAppend]

const USAGE = `Usage: npm run bench -- <name...> [--json] [--rounds N] [--seconds N]

Measures Fanfold against the limits of the engines under it, the plain way and its peers, all in one run on one machine.
Starts what it needs, prints a table, and writes bench/results/<name>.json. Without a name: prints the list.

${BENCHES.map(({ name, about }) => `  ${name.padEnd(17)} ${about}`).join('\n')}

  --json       print the report as JSON
  --rounds N   rounds, each with a turn for every contender (default 5)
  --seconds N  seconds of each turn (default 5)
  --help       print this

Data goes to stdout, words to stderr. Exit: 0 measured, 1 failed, 2 usage; a goal that is missed is no failure.
`

class UsageError extends Error {}

function readArguments(args: readonly string[]) {
  const positive = (name: string, text: string): number => {
    if (!/^[1-9]\d{0,3}$/.test(text)) throw new UsageError(`--${name} must be a whole number from 1 to 9999`)
    return Number(text)
  }
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
        rounds: { type: 'string', default: '5' },
        seconds: { type: 'string', default: '5' },
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
      rounds: positive('rounds', values.rounds),
      seconds: positive('seconds', values.seconds),
    }
  } catch (error) {
    throw error instanceof TypeError ? new UsageError(error.message) : error
  }
}

async function main(args: readonly string[]): Promise<number> {
  const { benches, json, help, rounds, seconds } = readArguments(args)
  if (help || benches.length === 0) {
    process.stdout.write(USAGE)
    return 0
  }
  const say = (text: string) => void process.stderr.write(`${text}\n`)
  for (const bench of benches) {
    const outcome = await bench.run({ rounds, seconds, say: (text) => say(`${bench.name}: ${text}`) })
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
