import type { Fanfold } from '../../app/fanfold.ts'
import { type Command, type CommandRun, UsageError } from '../command.ts'
import { readFanfold } from '../open.ts'
import { type Cell, table } from '../table.ts'
import { sealsOption, trustedKeys, verifyExportedPayments } from './verify-export.ts'

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
  const sources = { keys: await trustedKeys(run), sealsFile: sealsOption(run) }
  const report = await fanfold.verifyPayments((done) => bar.update(done), sources)
  bar.end()
  return {
    ok: report.ok,
    report,
    figures: [
      ['payments', report.payments],
      ['events', report.events],
      ['operations', report.operations],
      ["entries of the sandbox's ledger", report.ledger_entries],
      ['seals of the log', report.seals],
      ['copies of seals', report.seal_copies],
      ['events sealed', report.sealed_events],
      ['events not sealed yet', report.unsealed_events],
      ...Object.entries(report.open_operations).map(([status, count]) => [`operations ${status}`, count] as const),
    ],
    findings: {
      head: ['subject', 'problem'],
      rows: report.differences.map(({ subject, problem }) => [subject, problem]),
    },
  }
}

const MODELS: Readonly<Record<string, Verify>> = { social, orders, payments }

/** Tells what was compared and found; answers the exit code. */
function show(run: CommandRun, verdicts: Readonly<Record<string, Verdict>>): number {
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
}

export const verify: Command = {
  name: 'verify',
  about: 'Compare read models with their sources and name every difference',
  usage: '[social|orders|payments]',
  options: {
    user: { type: 'string', multiple: true, value: 'USER', about: 'Only the timeline of this user; may be repeated' },
    sample: { type: 'string', value: 'SHARE', about: 'Only about this share of the timelines, e.g. 0.01' },
    export: { type: 'string', value: 'FILE', about: 'Of payments: check this export instead of the database' },
    seals: { type: 'string', value: 'FILE', about: 'Of payments: compare with the seals that were kept in this file' },
    'public-key': {
      type: 'string',
      multiple: true,
      value: 'FILE',
      about: 'Of payments: believe seals of this key (PEM) only; may be repeated',
    },
  },
  examples: [
    'fanfold verify',
    'fanfold verify social --sample 0.05',
    'fanfold verify social --user ada --user bob',
    'fanfold verify orders --json',
    'fanfold verify payments --export payments.jsonl --public-key seal.pub.pem --seals payments.seals.jsonl',
  ],
  async run(run) {
    const [model] = run.positionals
    if (model !== undefined && !(model in MODELS)) throw new UsageError(`there is no model "${model}"`)
    if (run.lists['user'] !== undefined && model !== 'social') throw new UsageError('--user is for social')
    const ofPayments = ['export', 'seals'].find((name) => run.options[name] !== undefined)
    const other = run.lists['public-key'] === undefined ? ofPayments : 'public-key'
    if (other !== undefined && model !== 'payments') throw new UsageError(`--${other} is for payments`)
    shareOption(run)
    const { export: exported } = run.options
    if (typeof exported === 'string') return show(run, { payments: await verifyExportedPayments(run, exported) })
    const names = model === undefined ? Object.keys(MODELS) : [model]
    return readFanfold(run.config, async (fanfold) => {
      const verdicts: Record<string, Verdict> = {}
      for (const name of names) verdicts[name] = await MODELS[name]!(run, fanfold)
      return show(run, verdicts)
    })
  },
}
