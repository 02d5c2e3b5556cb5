import { pino } from 'pino'
import { maskCards } from './card-number.ts'

/** What Fanfold needs of a logger; a pino logger fits as it is. */
export interface Logger {
  trace(fields: object, message?: string): void
  debug(fields: object, message?: string): void
  info(fields: object, message?: string): void
  warn(fields: object, message?: string): void
  error(fields: object, message?: string): void
  fatal(fields: object, message?: string): void
  child(fields: object): Logger
}

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** A line as it may be written: with card numbers masked, wherever they came from. */
function withoutCards(line: string): string {
  const masked = JSON.stringify(maskCards(JSON.parse(line)))
  return `${masked}\n`
}

const SECRETS = ['authorization', 'api_key', 'payment_method', 'billing_details', 'evidence', 'personal', 'master_keys']

/**
 * JSON lines on stderr, so that stdout stays free for data. Secrets and what is personal in known places are never
 * written, card numbers in no place.
 */
export function createLogger(
  level: LogLevel,
  destination: { write(line: string): void } = pino.destination({ fd: 2, sync: true }),
): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: ['req.headers.authorization', 'headers.authorization', ...SECRETS],
      hooks: { streamWrite: withoutCards },
    },
    destination,
  )
}

const nothing = () => undefined
/** A library is silent unless it is given a logger. */
export const silentLogger: Logger = {
  trace: nothing,
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  fatal: nothing,
  child: () => silentLogger,
}
