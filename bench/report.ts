import { execFileSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { join } from 'node:path'
import type { Goal, Outcome } from './bench.ts'
import { ROOT } from './root.ts'

export interface Report extends Outcome {
  readonly name: string
  /** With `-dirty` when the working tree differed from it. */
  readonly git_sha: string
  readonly node: string
  readonly cpu: string
  readonly rounds: number
  readonly seconds: number
  readonly measured_at: string
}

function gitSha(): string {
  const git = (...args: string[]) =>
    execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  try {
    return `${git('rev-parse', 'HEAD')}${git('status', '--porcelain', '--', 'src') === '' ? '' : '-dirty'}`
  } catch {
    return 'unknown'
  }
}

export function reportOf(name: string, options: { rounds: number; seconds: number }, outcome: Outcome): Report {
  const processors = cpus()
  return {
    name,
    git_sha: gitSha(),
    node: process.version,
    cpu: `${processors.length} x ${processors[0]?.model ?? 'unknown'}`,
    engines: outcome.engines,
    ...options,
    measured_at: new Date().toISOString(),
    results: outcome.results,
    goals: outcome.goals,
    notes: outcome.notes,
  }
}

/** Answers the path, below the package. */
export async function writeReport(report: Report): Promise<string> {
  const path = join('bench/results', `${report.name}.json`)
  await mkdir(join(ROOT, 'bench/results'), { recursive: true })
  await writeFile(join(ROOT, path), `${JSON.stringify(report, null, 2)}\n`)
  return path
}

/** Lines the columns up: the first to the left, figures to the right. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  const line = (row: readonly string[]) =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join('  ')
  return rows.map((row) => line(row).trimEnd()).join('\n')
}

const number = (value: number | null) => value?.toLocaleString('en-US', { maximumSignificantDigits: 6 }) ?? ''

function verdict({ goal, target, value, met }: Goal): string[] {
  return [goal, target, value === null ? 'not measured' : number(value), met ? 'met' : 'MISSED']
}

/** The report for people. */
export function textOf(report: Report): string {
  const results = report.results.map((result) =>
    'per_second' in result
      ? [
          result.case,
          `${number(result.per_second)} ${result.unit}/s`,
          ...[result.p50_ms, result.p95_ms, result.p99_ms, result.n].map(number),
        ]
      : [result.case, `${number(result.value)} ${result.unit}`, '', '', '', ''],
  )
  const engines = Object.entries(report.engines).map(([name, version]) => `${name} ${version}`)
  return [
    `${report.name}: ${report.rounds} rounds of ${report.seconds} s, median of the rounds`,
    [`node ${report.node}`, report.cpu, ...engines, `commit ${report.git_sha.slice(0, 12)}`].join(' · '),
    '',
    table([['case', 'rate', 'p50 ms', 'p95 ms', 'p99 ms', 'n'], ...results]),
    '',
    table([['goal', 'target', 'value', ''], ...report.goals.map(verdict)]),
    ...(report.notes.length > 0 ? ['', ...report.notes.map((note) => `- ${note}`)] : []),
    '',
  ].join('\n')
}
