import { AppError, messageOf } from './errors.ts'
import { LIMITS } from './limits.ts'
import { LOG_LEVELS, type LogLevel } from './logger.ts'
import { parseRoutes, type RoutingRule } from './routes.ts'

/**
 * Every setting of Fanfold. Each has one name in three spellings: variable `FANFOLD_DATABASE_URL`, flag `--database-url`,
 * and in the library option `database` (`Url` is left out there). A flag wins over the variable, the variable over the
 * default. `docs/reference/configuration.md` is generated from this table.
 */
interface Setting<T> {
  readonly parse: (text: string) => T
  readonly fallback: T
  readonly about: string
  readonly secret?: true
}

function setting<T>(fallback: T, parse: (text: string) => T, about: string, secret?: true): Setting<T> {
  return { fallback, parse, about, ...(secret ? { secret } : {}) }
}

function wholeNumber(min: number, max: number) {
  return (text: string): number => {
    const value = Number(text)
    if (!/^\d+$/.test(text) || value < min || value > max)
      throw new Error(`must be a whole number from ${min} to ${max}`)
    return value
  }
}

function url(text: string): string {
  if (!/^[a-z][a-z0-9+-]*:/i.test(text))
    throw new Error('must be a URL such as postgres://user@host/database or pglite:./folder')
  return text
}

function oneOf<const T extends string>(values: readonly T[]) {
  return (text: string): T => {
    const value = values.find((candidate) => candidate === text)
    if (value === undefined) throw new Error(`must be one of ${values.join(', ')}`)
    return value
  }
}

function timeZone(text: string): string {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions().timeZone
  } catch {
    throw new Error('must be an IANA time zone such as Europe/Berlin')
  }
}

function yesOrNo(text: string): boolean {
  return oneOf(['true', 'false'])(text) === 'true'
}

const UNITS_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** `15m`; of the library also milliseconds. 0 is `undefined`. */
function duration(text: string): number | undefined {
  const [, count, unit] = /^(\d{1,9})([smhd]?)$/.exec(text) ?? []
  if (count === undefined) throw new Error('must be a time such as 30s, 15m, 1h or 1d, or 0')
  const ms = Number(count) * (unit ? UNITS_MS[unit as keyof typeof UNITS_MS] : 1)
  if (ms > 7 * UNITS_MS.d) throw new Error('must not be more than 7d')
  return ms === 0 ? undefined : ms
}

function secret(text: string): string {
  if (text.length < 16) throw new Error('must have at least 16 characters')
  return text
}

function webUrl(text: string): string {
  if (!/^https?:\/\/[^\s/]/i.test(text) || !URL.canParse(text))
    throw new Error('must be a URL such as https://shop.example/paid')
  return text
}

function secretPair(text: string): string {
  const secrets = text.split(',')
  if (secrets.length > 2) throw new Error('must be one secret, or two with a comma between')
  for (const one of secrets) secret(one.trim())
  return text
}

function masterKeyList(text: string): string {
  if (text.split(',').every((key) => /^[A-Za-z0-9+/]{43}=$/.test(key.trim()))) return text
  throw new Error('must be keys of 32 bytes in base64 (openssl rand -base64 32), with commas between')
}

const sameAsDatabase = (store: string) =>
  setting<string | undefined>(undefined, url, `Where ${store} live, if not in the database`)

export const SETTINGS = {
  host: setting('127.0.0.1', String, 'Address to listen on'),
  port: setting(8080, wholeNumber(0, 65_535), 'Port to listen on; 0 takes a free one'),
  logLevel: setting<LogLevel>('info', oneOf(LOG_LEVELS), `How much is logged: ${LOG_LEVELS.join(', ')}`),
  databaseUrl: setting('pglite:./.fanfold/data', url, 'The database of everything that has no URL of its own'),
  postsUrl: sameAsDatabase('posts, likes and comments'),
  followsUrl: sameAsDatabase('follows, blocks and mutes'),
  timelinesUrl: sameAsDatabase('timelines'),
  ordersUrl: sameAsDatabase('products, orders, their history and the sales report'),
  paymentsUrl: sameAsDatabase('payments and their events'),
  queueUrl: sameAsDatabase('queued messages'),
  eventsUrl: setting<string | undefined>(
    undefined,
    url,
    'Broker (amqp:, kafka:) to which every event of orders and payments is published for others; none unless given',
  ),
  keysDir: setting(
    './.fanfold/keys',
    String,
    'Folder of the keys that must not lie in the database: for seals and personal data of payments',
  ),
  masterKeys: setting<string | undefined>(
    undefined,
    masterKeyList,
    'Keys under which those of personal data are encrypted: 32 bytes in base64 each, the newest first, with commas between; instead of those in the folder of the keys',
    true,
  ),
  sealsFile: setting<string | undefined>(
    undefined,
    String,
    'File to which the seals of payments are copied; one for each database in the folder of the keys unless given',
  ),
  poolSize: setting(10, wholeNumber(1, 500), 'Connections to each database server'),
  apiKey: setting<string | undefined>(undefined, secret, 'A bootstrap API key with every scope', true),
  rateLimit: setting<number>(
    LIMITS.requestsPerMinuteDefault,
    wholeNumber(1, 10_000_000),
    'Requests per minute and API key',
  ),
  pullFollowers: setting<number>(
    LIMITS.pullFollowersDefault,
    wholeNumber(1, 100_000_000),
    'Active followers above whom an author’s posts are merged in when timelines are read, instead of written to each',
  ),
  storeTimeZone: setting('UTC', timeZone, 'Time zone of the store: it decides to which day a sale belongs'),
  reportEvery: setting<number | undefined>(
    undefined,
    duration,
    'How often the sales report catches up, such as 1h; it follows the orders at once unless given',
  ),
  processor: setting('sandbox', String, 'The payment processor used when a payment names none and fits no route'),
  routes: setting<readonly RoutingRule[]>(
    [],
    parseRoutes,
    'Which processors take which payments, and which take over: a JSON array, see docs/payment-processors.md',
  ),
  sandboxBasic: setting<boolean>(
    false,
    yesOrNo,
    'Whether there is a second sandbox, sandbox_basic, that can do less, to try routes with: true or false',
  ),
  webhookAllowHttp: setting<boolean>(false, yesOrNo, 'Whether webhooks may also be sent to http: URLs: true or false'),
  webhookAllowPrivate: setting<boolean>(
    false,
    yesOrNo,
    'Whether webhooks may also be sent to addresses that are not public (this machine, private networks): true or false',
  ),
  stripeSecretKey: setting<string | undefined>(
    undefined,
    secret,
    'Secret key of Stripe; payments can use it then',
    true,
  ),
  stripeWebhookSecret: setting<string | undefined>(
    undefined,
    secretPair,
    'Secret of Stripe’s webhook endpoint; while it is rotated the old one too, with a comma between',
    true,
  ),
  stripeReturnUrl: setting<string | undefined>(
    undefined,
    webUrl,
    'Where payers return to after a 3-D Secure page of Stripe; without it, payments that need such a page are declined',
  ),
  stripeMulticapture: setting<boolean>(
    false,
    yesOrNo,
    'Whether the account at Stripe may capture one authorization several times: true or false',
  ),
  stripeIncrements: setting<boolean>(
    false,
    yesOrNo,
    'Whether the account at Stripe may add to authorizations: true or false',
  ),
  stripeApiUrl: setting<string | undefined>(undefined, webUrl, 'A server to ask instead of Stripe’s own, for tests'),
  sandboxSecret: setting('sandbox-webhook-secret', secret, 'Signs the webhooks of the sandbox processor', true),
} as const

export type SettingName = keyof typeof SETTINGS
export type Config = { readonly [Name in SettingName]: (typeof SETTINGS)[Name]['fallback'] }

type OptionName<Name extends string> = Name extends `${infer Store}Url` ? Store : Name
/** The settings as options of the library. */
export type ConfigOptions = { readonly [Name in SettingName as OptionName<Name>]?: Config[Name] | undefined }

const words = (name: string, separator: string) =>
  name.replace(/[A-Z]/g, (letter) => `${separator}${letter.toLowerCase()}`)

/** `databaseUrl` -> `database` */
export const optionOf = (name: SettingName): string => name.replace(/Url$/, '')
/** `databaseUrl` -> `FANFOLD_DATABASE_URL` */
export const variableOf = (name: SettingName): string => `FANFOLD_${words(name, '_').toUpperCase()}`
/** `databaseUrl` -> `database-url` */
export const flagOf = (name: SettingName): string => words(name, '-')

export const SETTING_NAMES = Object.keys(SETTINGS) as SettingName[]

/** Variables that start with FANFOLD_ but are no settings: they steer tests and benchmarks. */
const OTHER_VARIABLES = /^FANFOLD_(TEST_|REQUIRE_|ENGINE|BENCH_|FAULT)/

/**
 * Reads the configuration from an environment and flags; pure, so that a test can pass its own.
 * Reports every problem at once in one `invalid_config`.
 */
export function loadConfig(
  env: Readonly<Record<string, string | undefined>>,
  flags: Readonly<Record<string, string | undefined>> = {},
): Config {
  const known = new Set(SETTING_NAMES.map(variableOf))
  const unknown = Object.keys(env).filter(
    (name) => name.startsWith('FANFOLD_') && !known.has(name) && !OTHER_VARIABLES.test(name),
  )
  return settle(
    (name) => {
      const flag = flags[flagOf(name)]
      return flag !== undefined ? [`--${flagOf(name)}`, flag] : [variableOf(name), env[variableOf(name)]]
    },
    unknown.map((name) => `${name} is not a setting`),
  )
}

/**
 * The configuration of the library: options over defaults. The environment is not read. Reports every problem at once
 * in one `invalid_config`.
 */
export function configFromOptions(options: ConfigOptions): Config {
  const given: Readonly<Record<string, unknown>> = options
  return settle((name) => [optionOf(name), textOfValue(given[optionOf(name)])])
}

/** A value of a setting as the text that it is parsed from. */
export function textOfValue(value: unknown): string | undefined {
  if (value === undefined) return undefined
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** Parses every setting from the text that `given` finds for it, with the name under which it was found. */
function settle(
  given: (name: SettingName) => readonly [source: string, text: string | undefined],
  otherProblems: readonly string[] = [],
): Config {
  const problems: string[] = []
  const entries = SETTING_NAMES.map((name) => {
    const [source, text] = given(name)
    if (text === undefined || text === '') return [name, SETTINGS[name].fallback]
    try {
      return [name, SETTINGS[name].parse(text)]
    } catch (error) {
      const shown = 'secret' in SETTINGS[name] ? '' : ` "${text.replace(PASSWORD, ':***@')}"`
      problems.push(`${source}${shown} ${messageOf(error)}`)
      return [name, SETTINGS[name].fallback]
    }
  })
  problems.push(...otherProblems)
  if (problems.length > 0) {
    throw new AppError(
      'invalid_config',
      `The configuration has ${problems.length} problem(s):\n${problems.map((p) => `  - ${p}`).join('\n')}`,
    )
  }
  return Object.fromEntries(entries) as Config
}

/** In what was meant to be a URL. */
const PASSWORD = /:[^:@]*@/
