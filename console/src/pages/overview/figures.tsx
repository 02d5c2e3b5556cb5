import type { SystemStatus } from 'fanfold/client'
import type { ReactNode } from 'react'
import { Figure } from '../../ui/card.tsx'
import { formatCount, formatDuration, formatRate } from '../../ui/format.ts'
import { type History, ratesOf } from './history.ts'

const NOT_KNOWN = '–'

const duration = (ms: number | null) => (ms === null ? NOT_KNOWN : formatDuration(ms))

function rate(history: History, counter: Parameters<typeof ratesOf>[1]): string {
  const latest = ratesOf(history, counter).at(-1) ?? null
  return latest === null ? NOT_KNOWN : formatRate(latest)
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0)

function backlogNote({
  fanout_backlog_posts: posts,
  fanout_backlog_seconds: seconds,
}: SystemStatus['figures']): string {
  if (posts === null || seconds === null) return 'no workers here'
  return posts === 0 ? 'no post waits' : `${formatCount(posts)} posts wait, up to ${formatDuration(seconds * 1_000)}`
}

function webhooksNote(webhooks: SystemStatus['webhooks']): string {
  if (webhooks === null) return 'not known now'
  return webhooks.late_seconds < 1 ? 'none is late' : `up to ${formatDuration(webhooks.late_seconds * 1_000)} late`
}

const inLanes = (count: number) => (count === 1 ? 'in one lane' : `in ${count} lanes`)

/** What is going on right now, as numbers. */
export function Figures({ system, history }: { readonly system: SystemStatus; readonly history: History }) {
  const { figures, projections, queue, webhooks } = system
  const behind = projections.filter(({ lag }) => lag > 0).length
  const deadTopics = queue.filter(({ dead_letters }) => dead_letters > 0).length
  const shown: readonly [term: string, value: string, unit: string | undefined, note: ReactNode][] = [
    [
      'Requests',
      rate(history, ({ requests }) => requests),
      '/s',
      `p50 ${duration(figures.request_p50_ms)}, p99 ${duration(figures.request_p99_ms)}`,
    ],
    ['Deliveries', rate(history, (now) => now.fanout_deliveries), '/s', backlogNote(figures)],
    [
      'Events',
      rate(history, (now) => now.appended_events),
      '/s',
      `${rate(history, (now) => now.projected_events)} /s projected`,
    ],
    [
      'Fan-out staleness, p99',
      duration(figures.fanout_staleness_p99_ms),
      undefined,
      figures.fanout_staleness_p50_ms === null
        ? 'no post in the last minute'
        : `p50 ${duration(figures.fanout_staleness_p50_ms)}`,
    ],
    [
      'Projection lag',
      formatCount(sum(projections.map(({ lag }) => lag))),
      'events',
      behind === 0 ? 'all are up to date' : `${behind} of ${projections.length} behind`,
    ],
    ['Queue depth', formatCount(sum(queue.map(({ depth }) => depth))), 'messages', inLanes(queue.length)],
    [
      'Dead letters',
      formatCount(sum(queue.map((one) => one.dead_letters))),
      undefined,
      deadTopics === 0 ? 'nothing was given up on' : inLanes(deadTopics),
    ],
    [
      'Webhooks waiting',
      webhooks === null ? NOT_KNOWN : formatCount(webhooks.waiting),
      undefined,
      webhooksNote(webhooks),
    ],
  ]
  return (
    <section aria-label="Figures" className="figures overview-figures">
      {shown.map(([term, value, unit, note]) => (
        <Figure key={term} term={term} value={value} {...(unit === undefined ? {} : { unit })} note={note} />
      ))}
    </section>
  )
}
