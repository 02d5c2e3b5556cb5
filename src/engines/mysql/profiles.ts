import { LIMITS } from '../../core/limits.ts'
import type { SqlProfile } from '../sql/sql.ts'

/** What differs between MySQL and MariaDB, as data. */
export interface MysqlProfile extends SqlProfile {
  readonly product: string
  /** Oldest version that is served: major, minor, patch. */
  readonly since: readonly [number, number, number]
  /** Compares texts by their bytes, trailing blanks included; stands wherever a statement says `utf8mb4_bin`. */
  readonly collation: string
  /** Settings of each session besides those that both have. */
  readonly settings: readonly string[]
  /** The setting under which a statement may take any time. */
  readonly noTimeLimit: string
}

const COMMON = { logShards: 4, skipLocked: true, triggers: true, concurrent: true } as const
const seconds = (ms: number) => Math.ceil(ms / 1_000)

export const PROFILES = {
  mariadb: {
    ...COMMON,
    name: 'mariadb',
    product: 'MariaDB',
    since: [10, 6, 0],
    collation: 'utf8mb4_nopad_bin',
    settings: [
      `max_statement_time = ${seconds(LIMITS.statementMsMax)}`,
      `idle_transaction_timeout = ${seconds(LIMITS.idleTransactionMsMax)}`,
    ],
    noTimeLimit: 'max_statement_time = 0',
  },
  mysql: {
    ...COMMON,
    name: 'mysql',
    product: 'MySQL',
    since: [8, 0, 21],
    collation: 'utf8mb4_0900_bin',
    settings: [`max_execution_time = ${LIMITS.statementMsMax}`],
    noTimeLimit: 'max_execution_time = 0',
  },
} as const satisfies Record<string, MysqlProfile>

/** The profile of the server that says this of its version: `10.11.6-MariaDB-...`, `8.0.36`. */
export const profileOf = (version: string): MysqlProfile =>
  /mariadb/i.test(version) ? PROFILES.mariadb : PROFILES.mysql
