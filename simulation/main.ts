import { parseArgs } from 'node:util'
import { breathe } from './engine/runtime.ts'
import { type Run, run } from './run.ts'

const USAGE = `Usage: npm run simulate -- [--seed N | --seeds FROM-TO] [--steps M] [--trace] [--json]

Runs payments in a world of faults on a virtual clock: processes that die at any moment, lost and doubled requests, clocks
that are off, late and doubled webhooks. After each step every rule must hold. The same seed does the same every time.

  --seed N         one world, and what happened in it (default 1)
  --seeds FROM-TO  many worlds, both ends included
  --steps M        what people do in each world (default 60)
  --trace          print all that happens
  --json           print the result as JSON
  --help           print this

Data goes to stdout, words to stderr. Exit: 0 every rule held, 1 one did not, 2 usage.
`

const STEPS = 60
const TAIL = 40
const BREATH_MS = 250
const LINE_MS = 30_000

class UsageError extends Error {}

function whole(name: string, text: string | undefined, min: number, max: number): number {
  if (text === undefined || !/^\d{1,10}$/.test(text) || Number(text) < min || Number(text) > max)
    throw new UsageError(`--${name} must be a whole number from ${min} to ${max}`)
  return Number(text)
}

const SEED_MAX = 4_294_967_295

function readArguments(args: readonly string[]) {
  const options = {
    seed: { type: 'string' },
    seeds: { type: 'string' },
    steps: { type: 'string', default: String(STEPS) },
    trace: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  } as const
  try {
    const { values } = parseArgs({ args: [...args], options })
    const steps = whole('steps', values.steps, 0, 100_000)
    if (values.seeds !== undefined && values.seed !== undefined) throw new UsageError('--seed or --seeds, not both')
    const [from, to] = values.seeds?.split('-') ?? [values.seed ?? '1', values.seed ?? '1']
    const name = values.seeds === undefined ? 'seed' : 'seeds'
    const first = whole(name, from, 0, SEED_MAX)
    const last = whole(name, to, first, SEED_MAX)
    return { ...values, steps, first, last }
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

type Arguments = ReturnType<typeof readArguments>

/** One line that is written over on a terminal; elsewhere a line now and then. */
function createProgress(of: number) {
  const startedMs = Date.now()
  const { isTTY } = process.stderr
  const everyMs = isTTY ? BREATH_MS : LINE_MS
  let toldMs = startedMs
  return (done: number): void => {
    if (of === 1 || (Date.now() - toldMs < everyMs && done < of)) return
    toldMs = Date.now()
    const width = 30
    const bar = isTTY ? `\r${'█'.repeat(Math.round((width * done) / of)).padEnd(width, '░')} ` : ''
    const perSecond = Math.round((done * 1_000) / Math.max(1, toldMs - startedMs))
    process.stderr.write(`${bar}${done} of ${of} seeds, ${perSecond} a second${isTTY && done < of ? '' : '\n'}`)
  }
}

function replayOf({ seed, steps }: Run): string {
  return `npm run simulate -- --seed ${seed} --steps ${steps} --trace`
}

function tell(result: Run): string {
  const { seed, taken, steps, hash, violation, trace } = result
  if (violation === undefined) return `seed ${seed}: every rule held in ${steps} steps; trace ${hash}\n`
  const where = taken > steps ? 'when it had come to rest' : `in step ${taken} of ${steps}`
  const tail = trace.slice(-TAIL).map((line) => `  ${line}\n`)
  return `seed ${seed} ${where}: ${violation.message}\n${tail.join('')}Again: ${replayOf(result)}\n`
}

function asJson(
  results: { readonly seeds: number; readonly events: ReadonlyMap<string, number> },
  failed?: Run,
): string {
  const { seeds, events } = results
  const violation = failed?.violation && {
    ...{ seed: failed.seed, step: failed.taken, rule: failed.violation.rule, detail: failed.violation.message },
    replay: replayOf(failed),
  }
  return `${JSON.stringify({ seeds, events: Object.fromEntries([...events].sort()), violation: violation ?? null })}\n`
}

async function simulate({ first, last, steps, trace, json }: Arguments): Promise<number> {
  const seeds = last - first + 1
  const events = new Map<string, number>()
  const progress = createProgress(seeds)
  const isTraced = trace || seeds === 1
  // Most errors here are those that were meant to be; where each was made is told when a seed is run by itself.
  if (seeds > 1) Error.stackTraceLimit = 0
  let breathedMs = Date.now()
  for (let seed = first; seed <= last; seed++) {
    const result = await run(seed, steps, isTraced)
    for (const [type, count] of result.events) events.set(type, (events.get(type) ?? 0) + count)
    if (trace) process.stdout.write(result.trace.map((line) => `${line}\n`).join(''))
    if (result.violation !== undefined) {
      const told = isTraced ? result : await run(seed, steps)
      process.stdout.write(json ? asJson({ seeds: seed - first + 1, events }, told) : tell(told))
      return 1
    }
    if (seeds === 1 && !json) process.stdout.write(tell(result))
    progress(seed - first + 1)
    if (Date.now() - breathedMs < BREATH_MS) continue
    await breathe()
    breathedMs = Date.now()
  }
  if (json) process.stdout.write(asJson({ seeds, events }))
  else if (seeds > 1) process.stdout.write(`${seeds} seeds of ${steps} steps: every rule held\n`)
  return 0
}

try {
  const args = readArguments(process.argv.slice(2))
  if (args.help) process.stdout.write(USAGE)
  else process.exitCode = await simulate(args)
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  process.stderr.write(`${error.message}\n\n${USAGE}`)
  process.exitCode = 2
}
