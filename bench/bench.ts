/** What one contender did in one round. */
export interface Measured {
  /** How long the measuring took, in seconds. */
  readonly seconds: number
  /** One entry per operation, in milliseconds, unless `operations` says otherwise. */
  readonly latenciesMs: Float64Array
  /** How many operations there were, where what is timed is something else. */
  readonly operations?: number
}

/** One way of doing the work that is measured. */
export interface Contender {
  readonly name: string
  /** What one operation is, in the plural: `events`, `requests`. */
  readonly unit: string
  /** Runs for about `seconds`, warm-up not counted. */
  readonly run: (seconds: number) => Promise<Measured>
}

export interface Figure {
  readonly case: string
  readonly unit: string
  /** Operations measured, all rounds together. */
  readonly n: number
  /** The median of the rounds. */
  readonly per_second: number
  /** Each round. */
  readonly rounds: readonly number[]
  /** Null, as the next two, where nothing was timed. */
  readonly p50_ms: number | null
  readonly p95_ms: number | null
  readonly p99_ms: number | null
}

/** A figure that is counted once and not timed. */
export interface Count {
  readonly case: string
  readonly unit: string
  readonly value: number
}

export interface Goal {
  readonly goal: string
  /** For people, e.g. `>= 1.5`. */
  readonly target: string
  /** `null` when it could not be measured; then it is not met, and a note says why. */
  readonly value: number | null
  readonly met: boolean
}

export interface Outcome {
  /** Product and version of each engine that took part. */
  readonly engines: Readonly<Record<string, string>>
  readonly results: readonly (Figure | Count)[]
  readonly goals: readonly Goal[]
  /** What a reader has to know beside the figures. */
  readonly notes: readonly string[]
}

export interface BenchContext {
  readonly rounds: number
  /** Seconds of each contender in each round. */
  readonly seconds: number
  /** How many users there are, for benchmarks that have any; each knows what is usual. */
  readonly users?: number | undefined
  /** Words for people, on stderr. */
  readonly say: (text: string) => void
  /** Aborted when the program is to end: what was started is then put away. */
  readonly signal?: AbortSignal
}

export interface Bench {
  readonly name: string
  readonly about: string
  /** Where these are not the usual ones. */
  readonly defaults?: { readonly rounds: number; readonly seconds: number }
  readonly run: (context: BenchContext) => Promise<Outcome>
}
