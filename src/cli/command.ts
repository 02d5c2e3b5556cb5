import type { Config } from '../core/config.ts'

/** A usage error: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

export interface CommandOption {
  readonly type: 'string' | 'boolean'
  readonly about: string
  /** May be given several times; then it is found in `lists`. */
  readonly multiple?: true
  /** Shown in the help behind the name, e.g. `FILE`. */
  readonly value?: string
}

export interface CommandRun {
  readonly config: Config
  readonly positionals: readonly string[]
  readonly options: Readonly<Record<string, string | boolean | undefined>>
  /** Options that may be given several times; absent when not given. */
  readonly lists: Readonly<Record<string, readonly string[] | undefined>>
  /** `--json`: data as one JSON document on stdout. */
  readonly json: boolean
  readonly terminal: Terminal
}

/** Data goes to stdout, words to stderr. */
export interface Terminal {
  out(text: string): void
  say(text: string): void
  /** A bar on a terminal, a line now and then elsewhere. `total` may be unknown. */
  progress(label: string, total?: number): Progress
}

export interface Progress {
  update(done: number, total?: number): void
  end(): void
}

export interface Command {
  readonly name: string
  /** One line for the list of commands. */
  readonly about: string
  /** Positional arguments, e.g. `follows|orders FILE`. */
  readonly usage: string
  readonly options?: Readonly<Record<string, CommandOption>>
  readonly examples: readonly string[]
  /** Answers the exit code; throws UsageError (2) or any other error (1). */
  run(run: CommandRun): Promise<number>
}
