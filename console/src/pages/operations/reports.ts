import type { Job } from 'fanfold/client'
import { formatMoney } from '../../ui/format.ts'

export interface Fact {
  readonly what: string
  readonly value: string
  readonly ok: boolean
}

/** What a verification found in one model, in a form that tables can show. */
export interface Report {
  readonly model: string
  readonly ok: boolean
  /** What was looked at: counts, and small groups of them. */
  readonly facts: readonly Fact[]
  /** What differs. */
  readonly findings: readonly Readonly<Record<string, unknown>>[]
}

/** Sums by currency, in minor units. */
const SUMS = ['captured', 'refunded']
const FINDINGS = ['findings', 'problems', 'differences']

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const wordsOf = (name: string) => name.replaceAll('_', ' ')

/** Any value in words: numbers as people write them, groups with their names. */
export function textOf(value: unknown): string {
  if (value === null || value === undefined) return 'none'
  if (typeof value === 'number') return new Intl.NumberFormat('en').format(value)
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.map(textOf).join(', ')
  if (!isRecord(value)) return String(value)
  const parts = Object.entries(value).map(([name, one]) => `${wordsOf(name)}: ${textOf(one)}`)
  return parts.length === 0 ? 'none' : parts.join(', ')
}

const sumsOf = (value: Readonly<Record<string, unknown>>) =>
  Object.entries(value).map(([currency, minor]) => formatMoney(Number(minor), currency))

/** One line for each check, and one for each other member. */
function factsOf(report: Readonly<Record<string, unknown>>): Fact[] {
  return Object.entries(report).flatMap(([name, value]): Fact[] => {
    if (name === 'ok' || FINDINGS.includes(name)) return []
    if (SUMS.includes(name) && isRecord(value)) return [{ what: name, value: textOf(sumsOf(value)), ok: true }]
    if (name !== 'checks' || !Array.isArray(value)) return [{ what: wordsOf(name), value: textOf(value), ok: true }]
    return value.filter(isRecord).map((check) => {
      const what = String(check['about'] ?? check['name'])
      return { what, value: textOf(check['compared']), ok: check['ok'] !== false }
    })
  })
}

/** The reports of a verification, model by model; none for other jobs. */
export function reportsOf({ kind, result }: Pick<Job, 'kind' | 'result'>): Report[] {
  if (kind !== 'verify' || result === null) return []
  return Object.entries(result).flatMap(([model, report]): Report[] => {
    if (!isRecord(report)) return []
    const findings = FINDINGS.flatMap((name) => report[name] ?? []).filter(isRecord)
    return [{ model, ok: report['ok'] === true, facts: factsOf(report), findings }]
  })
}
