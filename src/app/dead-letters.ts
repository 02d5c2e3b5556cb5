import { LIMITS } from '../core/limits.ts'
import type { DeadLetter, Lane, Queue } from '../queue/port.ts'

export interface DeadLetterFilter {
  readonly topic?: string | undefined
  readonly lane?: Lane | undefined
}

export interface Redrive extends DeadLetterFilter {
  readonly topic: string
  /** Only these. */
  readonly ids?: readonly string[] | undefined
  /** Only so many, the newest; {@link LIMITS.deadLettersRedriveMax} with a lane, else all. */
  readonly limit?: number | undefined
}

/** What was given up on, as people look at it: by topic and lane. */
export interface DeadLetters {
  /** Newest first. */
  list(filter: DeadLetterFilter, limit: number): Promise<DeadLetter[]>
  /** Puts dead letters back to work; answers how many. May be repeated. */
  redrive(request: Redrive): Promise<number>
}

export function createDeadLetters(queue: Queue): DeadLetters {
  /** Whoever asks a broker for the dead letters of a topic makes the topic there, which a slip of the pen should not. */
  async function hasAny({ topic, lane }: DeadLetterFilter): Promise<boolean> {
    if (topic === undefined) return true
    const depths = await queue.depths()
    return depths.some((one) => one.topic === topic && (lane === undefined || one.lane === lane) && one.deadLetters > 0)
  }

  return {
    async list(filter, limit) {
      return (await hasAny(filter)) ? queue.deadLetters(filter.topic, limit, filter.lane) : []
    },
    async redrive({ topic, lane, ids, limit }) {
      if (!(await hasAny({ topic, lane }))) return 0
      if (ids !== undefined || (lane === undefined && limit === undefined)) return queue.redrive(topic, ids)
      const letters = await queue.deadLetters(topic, limit ?? LIMITS.deadLettersRedriveMax, lane)
      if (letters.length === 0) return 0
      return queue.redrive(
        topic,
        letters.map(({ id }) => id),
      )
    },
  }
}
