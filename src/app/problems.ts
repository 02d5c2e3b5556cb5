import { LIMITS } from '../core/limits.ts'
import { SYSTEM_PROBLEMS, type SystemStatus } from '../http/routes/system.ts'

export type Problem = SystemStatus['problems'][number]

/** What is known of the system at a moment. */
export interface Seen extends Pick<SystemStatus, 'engines' | 'projections' | 'queue' | 'webhooks' | 'figures'> {
  /** Projections that are behind and have folded nothing for long, and those that fall behind ever more. */
  readonly stuck: readonly string[]
  readonly growing: readonly string[]
  /** Operations in review, counted up to {@link LIMITS.systemReviewsCounted}. */
  readonly reviews: number
  /** What could not be told, and why. */
  readonly unknown: readonly { readonly what: string; readonly reason: string }[]
}

const counted = (count: number, one: string) => `${count.toLocaleString('en-US')} ${one}${count === 1 ? '' : 's'}`

function enginesDown({ engines }: Seen): Problem[] {
  return engines
    .filter(({ ok }) => !ok)
    .map(({ name, url, stores, error = '' }) => ({
      code: 'engine_down',
      message: `${name} at ${url} does not answer: ${error}. It holds ${stores.join(', ')}`,
      what_to_do:
        'Start it, or mend the way to it. What needs it fails or waits until then; fanfold doctor tells more.',
    }))
}

function projectionProblems({ projections, stuck, growing }: Seen): Problem[] {
  return projections.flatMap(({ name, lag, quarantined }): Problem[] => [
    ...(quarantined === 0
      ? []
      : [
          {
            code: 'quarantined_streams' as const,
            message: `${name} has set ${counted(quarantined, 'stream')} aside: an event of each could not be folded`,
            what_to_do: `Mend the cause, which the log of the workers names, then run: fanfold rebuild ${name}`,
          },
        ]),
    ...(stuck.includes(name)
      ? [
          {
            code: 'projection_stuck' as const,
            message: `${name} is ${counted(lag, 'event')} behind and stands still`,
            what_to_do: 'See the log of the workers for the reason; when there are no workers, run: fanfold work',
          },
        ]
      : growing.includes(name)
        ? [
            {
              code: 'projection_lag' as const,
              message: `${name} is ${counted(lag, 'event')} behind, and that does not fall`,
              what_to_do: 'Look for a slow database, and start more workers: fanfold work',
            },
          ]
        : []),
  ])
}

function deadLetters({ queue }: Seen): Problem[] {
  const byTopic = new Map<string, number>()
  for (const { topic, dead_letters } of queue) byTopic.set(topic, (byTopic.get(topic) ?? 0) + dead_letters)
  return [...byTopic]
    .filter(([, letters]) => letters > 0)
    .map(([topic, letters]) => ({
      code: 'dead_letters',
      message: `${counted(letters, 'message')} of ${topic} ${letters === 1 ? 'was' : 'were'} given up on`,
      what_to_do: `Read why: fanfold queue dead ${topic}; mend it and try again: fanfold queue redrive ${topic}`,
    }))
}

function reviews({ reviews: count }: Seen): Problem[] {
  if (count === 0) return []
  const many = count < LIMITS.systemReviewsCounted ? counted(count, 'payment operation') : `${count} or more operations`
  return [
    {
      code: 'operations_in_review',
      message: `What became of ${many} at the processor is not known`,
      what_to_do: 'Ask the processor and decide each: fanfold operations, or POST /v1/operations/{op_id}/resolve',
    },
  ]
}

function lateFanout({ figures: { fanout_backlog_posts: posts, fanout_backlog_seconds: seconds } }: Seen): Problem[] {
  if (posts === null || seconds === null || seconds <= LIMITS.systemBacklogSeconds) return []
  return [
    {
      code: 'fanout_late',
      message: `${counted(posts, 'post')} on the way to the followers, the oldest for ${Math.round(seconds)} s`,
      what_to_do:
        'Look for a slow or missing store of timelines, posts or the queue, and start more workers: fanfold work',
    },
  ]
}

function lateWebhooks({ webhooks }: Seen): Problem[] {
  if (webhooks === null || webhooks.late_seconds <= LIMITS.systemWebhooksLateSeconds) return []
  return [
    {
      code: 'webhooks_late',
      message: `${counted(webhooks.waiting, 'webhook')} waiting, one due for ${Math.round(webhooks.late_seconds)} s`,
      what_to_do: 'Look at the failed deliveries of the endpoints; when there are no workers, run: fanfold work',
    },
  ]
}

function unknownParts({ unknown }: Seen): Problem[] {
  const byReason = new Map<string, string[]>()
  for (const { what, reason } of unknown) byReason.set(reason, [...(byReason.get(reason) ?? []), what])
  return Array.from(byReason, ([reason, what]) => ({
    code: 'state_unknown',
    message: `Nothing is known of ${what.join(', ')}: ${reason}`,
    what_to_do: 'It comes back with the engine that holds it.',
  }))
}

/** What is wrong, the worst first. */
export function problemsOf(seen: Seen): Problem[] {
  const parts = [enginesDown, projectionProblems, deadLetters, reviews, lateFanout, lateWebhooks, unknownParts]
  const rank = ({ code }: Problem) => SYSTEM_PROBLEMS.indexOf(code)
  return parts.flatMap((part) => part(seen)).sort((a, b) => rank(a) - rank(b))
}
