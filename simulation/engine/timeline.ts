/**
 * Virtual time. All that is to happen lies in one queue, ordered by time; between two events everything runs that can run
 * without waiting, in one thread. So a seed has one history, and a day takes no longer than what happens in it.
 */
export interface Timeline {
  /** Milliseconds since the Unix epoch. */
  now(): number
  /** Does `work` after so many milliseconds; what is due at the same time happens in the order in which it was asked for. */
  after(ms: number, work: () => void): TimelineEvent
  /** Lets all happen that is due up to `untilMs`, and moves the clock there. */
  runUntil(untilMs: number): Promise<void>
  /** Lets what is under way go on until `isDone`; false when nothing is left to happen, or `untilMs` has passed. */
  runWhile(isWaiting: () => boolean, untilMs: number): Promise<boolean>
  /** Forgets all that was to happen. */
  clear(): void
}

export interface TimelineEvent {
  readonly atMs: number
  readonly order: number
  work: (() => void) | undefined
}

const isBefore = (a: TimelineEvent, b: TimelineEvent) => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)

/** A binary heap; the earliest event lies at 0. */
function push(heap: TimelineEvent[], event: TimelineEvent): void {
  let at = heap.push(event) - 1
  while (at > 0) {
    const parent = (at - 1) >> 1
    if (!isBefore(event, heap[parent]!)) break
    heap[at] = heap[parent]!
    at = parent
  }
  heap[at] = event
}

function pop(heap: TimelineEvent[]): void {
  const last = heap.pop()!
  if (heap.length === 0) return
  let at = 0
  for (;;) {
    let child = 2 * at + 1
    if (child >= heap.length) break
    if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1
    if (!isBefore(heap[child]!, last)) break
    heap[at] = heap[child]!
    at = child
  }
  heap[at] = last
}

/** Node calls back when no promise is left that could go on by itself, before it looks at the world outside. */
const settled = () => new Promise<void>((resolve) => process.nextTick(resolve))

export function createTimeline(startMs: number): Timeline {
  const heap: TimelineEvent[] = []
  let nowMs = startMs
  let order = 0

  async function step(): Promise<void> {
    const [event] = heap
    pop(heap)
    if (event?.work === undefined) return
    nowMs = Math.max(nowMs, event.atMs)
    event.work()
    await settled()
  }

  return {
    now: () => nowMs,
    after(ms, work) {
      const event = { atMs: nowMs + Math.max(0, ms), order: order++, work }
      push(heap, event)
      return event
    },
    async runUntil(untilMs) {
      await settled()
      while (heap.length > 0 && heap[0]!.atMs <= untilMs) await step()
      nowMs = Math.max(nowMs, untilMs)
    },
    async runWhile(isWaiting, untilMs) {
      await settled()
      while (isWaiting()) {
        if (heap.length === 0 || heap[0]!.atMs > untilMs) return false
        await step()
      }
      return true
    },
    clear() {
      heap.length = 0
    },
  }
}
