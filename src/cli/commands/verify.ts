import type { Fanfold } from '../../app/fanfold.ts'
import { type Command, type CommandRun, UsageError } from '../command.ts'
import { withFanfold } from '../open.ts'
import { type Cell, table } from '../table.ts'

const SHOWN_MAX = 20

interface Verdict {
  readonly ok: boolean
  /** What was compared, for people. */
  readonly figures: readonly (readonly [what: string, count: Cell])[]
  readonly findings: { readonly head: readonly string[]; readonly rows: readonly (readonly Cell[])[] }
  readonly report: object
}

type Verify = (run: CommandRun, fanfold: Fanfold) => Promise<Verdict>

function shareOption({ options }: CommandRun): { sample?: number } {
  const text = options['sample']
  if (text === undefined) return {}
  const sample = Number(text)
  if (!(sample > 0 && sample <= 1)) throw new UsageError('--sample must be a number above 0 and up to 1')
  return { sample }
}

const social: Verify = async (run, fanfold) => {
  const userIds = run.lists['user']
  // An unknown user has no timeline that could differ: better to say that there is none.
  for (const userId of userIds ?? []) await fanfold.social.user(userId)
  const bar = run.terminal.progress('verifying timelines', userIds?.length)
  const report = await fanfold.social.verify({
    ...shareOption(run),
    ...(userIds === undefined ? {} : { userIds }),
    onProgress: (done) => bar.update(done),
  })
  bar.end()
  const { findings, ok, ...figures } = report
  return {
    ok,
    report,
    figures: Object.entries(figures).map(([what, count]) => [what, count as Cell] as const),
    findings: {
      head: ['finding', 'user', 'post', 'stored', 'counted'],
      rows: findings.map((finding) =>
        'user_id' in finding
          ? [finding.kind, finding.user_id, finding.post_id, '', '']
          : [finding.kind, '', finding.post_id, finding.stored, finding.actual],
      ),
    },
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
      ['months archived, sums compared only', report.archived_months.length],
    ],
    findings: {
      head: ['check', 'subject', 'expected', 'found'],
      rows: report.problems.map(({ check, subject, expected, actual }) => [check, subject, expected, actual]),
    },
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
    findings: {
      head: ['subject', 'problem'],
      rows: report.differences.map(({ subject, problem }) => [subject, problem]),
    },
  }
}

const MODELS: Readonly<Record<string, Verify>> = { social, orders, payments }

export const verify: Command = {
  name: 'verify',
  about: 'Compare read models with their sources and name every difference',
  usage: '[social|orders|payments]',
  options: {
    user: { type: 'string', multiple: true, value: 'USER', about: 'Only the timeline of this user; may be repeated' },
    sample: { type: 'string', value: 'SHARE', about: 'Only about this share of the timelines, e.g. 0.01' },
  },
  examples: [
    'fanfold verify',
    'fanfold verify social --sample 0.05',
    'fanfold verify social --user ada --user bob',
    'fanfold verify orders --json',
  ],
  async run(run) {
    const [model] = run.positionals
    if (model !== undefined && !(model in MODELS)) throw new UsageError(`there is no model "${model}"`)
    if (run.lists['user'] !== undefined && model !== 'social') throw new UsageError('--user is for social')
    shareOption(run)
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
          const { head, rows } = verdict.findings
          if (rows.length > 0) run.terminal.out(table(head, rows.slice(0, SHOWN_MAX)))
          const more = rows.length - SHOWN_MAX
          if (more > 0) run.terminal.out(`  and ${more} more; all with --json`)
        }
      }
      return Object.values(verdicts).every((verdict) => verdict.ok) ? 0 : 1
    })
  },
}
