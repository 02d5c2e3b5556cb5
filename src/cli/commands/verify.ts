import type { Fanfold } from '../../app/fanfold.ts'
import { type Command, type CommandRun, UsageError } from '../command.ts'
import { withFanfold } from '../open.ts'
import { type Cell, table } from '../table.ts'

const SHOWN_MAX = 20

interface Verdict {
  readonly ok: boolean
  /** What was compared, for people. */
  readonly figures: readonly (readonly [what: string, count: Cell])[]
  readonly findings: readonly string[]
  readonly report: object
}

type Verify = (run: CommandRun, fanfold: Fanfold) => Promise<Verdict>

const social: Verify = async (run, fanfold) => {
  const bar = run.terminal.progress('verifying timelines')
  const sample = run.options['sample'] === undefined ? {} : { sample: Number(run.options['sample']) }
  const report = await fanfold.social.verify({ ...sample, onProgress: (done) => bar.update(done) })
  bar.end()
  const { findings, ok, ...figures } = report
  return {
    ok,
    report,
    figures: Object.entries(figures).map(([what, count]) => [what, count as Cell] as const),
    findings: findings.map((finding) => JSON.stringify(finding)),
  }
}

const orders: Verify = async (run, fanfold) => {
  const bar = run.terminal.progress('verifying orders')
  const report = await fanfold.orders.verifyOrders({ onProgress: ({ compared }) => bar.update(compared) })
  bar.end()
  return {
    ok: report.ok,
    report,
    figures: [
      ...report.checks.map((check) => [check.about, check.compared] as const),
      ['events not folded yet', report.lag],
    ],
    findings: report.problems.map((p) => `${p.check}: ${p.subject}: expected ${p.expected}, found ${p.actual}`),
  }
}

const payments: Verify = async (run, fanfold) => {
  const bar = run.terminal.progress('verifying payments')
  const report = await fanfold.verifyPayments((done) => bar.update(done))
  bar.end()
  return {
    ok: report.ok,
    report,
    figures: [
      ['payments', report.payments],
      ['events', report.events],
      ['operations', report.operations],
      ["entries of the sandbox's ledger", report.ledger_entries],
      ...Object.entries(report.open_operations).map(([status, count]) => [`operations ${status}`, count] as const),
    ],
    findings: report.differences.map(({ subject, problem }) => `${subject}: ${problem}`),
  }
}

const MODELS: Readonly<Record<string, Verify>> = { social, orders, payments }

export const verify: Command = {
  name: 'verify',
  about: 'Compare read models with their sources and name every difference',
  usage: '[social|orders|payments]',
  options: { sample: { type: 'string', value: 'SHARE', about: 'Only about this share of the timelines, e.g. 0.01' } },
  examples: ['fanfold verify', 'fanfold verify social --sample 0.05', 'fanfold verify orders --json'],
  async run(run) {
    const [model] = run.positionals
    if (model !== undefined && !(model in MODELS)) throw new UsageError(`there is no model "${model}"`)
    const names = model === undefined ? Object.keys(MODELS) : [model]
    return withFanfold(run.config, async (fanfold) => {
      const verdicts: Record<string, Verdict> = {}
      for (const name of names) verdicts[name] = await MODELS[name]!(run, fanfold)
      if (run.json) {
        run.terminal.out(
          JSON.stringify(Object.fromEntries(Object.entries(verdicts).map(([name, { report }]) => [name, report]))),
        )
      } else {
        for (const [name, verdict] of Object.entries(verdicts)) {
          run.terminal.out(`${name}: ${verdict.ok ? 'ok' : 'DIFFERENCES'}`)
          run.terminal.out(`${table(['compared', 'count'], verdict.figures)}\n`)
          for (const finding of verdict.findings.slice(0, SHOWN_MAX)) run.terminal.out(`  ${finding}`)
          const more = verdict.findings.length - SHOWN_MAX
          if (more > 0) run.terminal.out(`  and ${more} more; all with --json`)
        }
      }
      return Object.values(verdicts).every((verdict) => verdict.ok) ? 0 : 1
    })
  },
}
