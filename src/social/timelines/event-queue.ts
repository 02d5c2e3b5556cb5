import { AppError } from '../../core/errors.ts'
import { LIMITS } from '../../core/limits.ts'

export interface QueuedEvent<Event> {
  readonly event: Event
  readonly bytes: number
}

export interface EventQueue<Event> {
  /** Aborts when nothing comes any more. */
  readonly ended: AbortSignal
  /** False, once, when the reader is cut off. */
  push(events: readonly QueuedEvent<Event>[]): boolean
  /** What waits is not handed out any more. */
  end(): void
  /** Throws `reader_too_slow` after a cut. */
  read(): AsyncGenerator<Event, void, undefined>
}

/**
 * Events on their way to one reader. Whoever is still behind by more than `bytesMax` when more events come is cut off.
 * Events that come together may be more than that: they count against the reader only when he does not take them.
 */
export function createEventQueue<Event>(bytesMax: number = LIMITS.streamBufferBytesMax): EventQueue<Event> {
  const ended = new AbortController()
  let waiting: QueuedEvent<Event>[] = []
  let bytes = 0
  let failure: AppError | undefined
  let wake: () => void = () => undefined

  function end(): void {
    ended.abort()
    wake()
  }

  return {
    ended: ended.signal,
    push(events) {
      if (ended.signal.aborted || events.length === 0) return true
      if (bytes > bytesMax) {
        waiting = []
        failure = new AppError('reader_too_slow', `More than ${bytesMax} bytes were waiting to be read`)
        end()
        return false
      }
      waiting.push(...events)
      for (const event of events) bytes += event.bytes
      wake()
      return true
    },
    end() {
      waiting = []
      end()
    },
    async *read() {
      for (;;) {
        const batch = waiting
        waiting = []
        for (const next of batch) {
          if (ended.signal.aborted) break
          bytes -= next.bytes
          yield next.event
        }
        if (failure !== undefined) throw failure
        if (ended.signal.aborted) return
        if (waiting.length > 0) continue
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    },
  }
}
