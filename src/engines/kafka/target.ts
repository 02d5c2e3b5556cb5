import { AppError } from '../../core/errors.ts'
import { type Address, addressesOf, shownUrl } from '../url.ts'

/** What a URL of Kafka says. */
export interface KafkaTarget {
  readonly bootstrap: readonly Address[]
  /** As it is written, without the password. */
  readonly shown: string
  readonly isSafe: boolean
  readonly sasl: { readonly mechanism: SaslMechanism; readonly username: string; readonly password: string } | undefined
  /** Begins the names of topics and groups. */
  readonly prefix: string
  /** Partitions of a topic that is made. */
  readonly partitions: number
  /** Copies of a topic that is made; 3, or as many as there are brokers, when not given. */
  readonly replication: number | undefined
}

const DEFAULT_PORT = 9092
const DEFAULT_PREFIX = 'fanfold.'
const DEFAULT_PARTITIONS = 12
const PARTITIONS_MAX = 1_000
const REPLICATION_MAX = 9
const OPTIONS = ['prefix', 'partitions', 'replication', 'sasl', 'nodes']
const MECHANISMS = {
  plain: 'PLAIN',
  'scram-sha-256': 'SCRAM-SHA-256',
  'scram-sha-512': 'SCRAM-SHA-512',
} as const
export type SaslMechanism = (typeof MECHANISMS)[keyof typeof MECHANISMS]

const invalid = (message: string) => new AppError('invalid_config', `Kafka: ${message}`)

/** `kafka://user:password@host:port,host:port/?prefix=&partitions=&replication=&sasl=`. Throws `invalid_config`. */
export function targetOf(url: URL): KafkaTarget {
  const unknown = [...url.searchParams.keys()].find((name) => !OPTIONS.includes(name))
  const known = OPTIONS.filter((name) => name !== 'nodes').join(', ')
  if (unknown !== undefined) throw invalid(`?${unknown}= is not known; known: ${known}`)
  if (!/^\/?$/.test(url.pathname)) throw invalid(`has no databases: leave out ${url.pathname}`)
  const prefix = url.searchParams.get('prefix') ?? DEFAULT_PREFIX
  if (!/^[A-Za-z0-9.-]{0,30}$/.test(prefix)) throw invalid('?prefix= may have 30 letters, digits, . and -')
  return {
    bootstrap: addressesOf(url, DEFAULT_PORT, invalid),
    shown: shownUrl(url),
    isSafe: url.protocol === 'kafkas:',
    sasl: saslOf(url),
    prefix,
    partitions: numberOf(url, 'partitions', PARTITIONS_MAX) ?? DEFAULT_PARTITIONS,
    replication: numberOf(url, 'replication', REPLICATION_MAX),
  }
}

function numberOf(url: URL, name: string, most: number): number | undefined {
  const text = url.searchParams.get(name)
  if (text === null) return undefined
  const value = /^\d{1,6}$/.test(text) ? Number(text) : 0
  if (value < 1 || value > most) throw invalid(`?${name}= must be a number from 1 to ${most}`)
  return value
}

function saslOf(url: URL): KafkaTarget['sasl'] {
  const name = url.searchParams.get('sasl') ?? 'scram-sha-512'
  const mechanism = MECHANISMS[name as keyof typeof MECHANISMS]
  if (mechanism === undefined) throw invalid(`?sasl= must be one of ${Object.keys(MECHANISMS).join(', ')}`)
  if (url.username === '') {
    if (url.searchParams.has('sasl')) throw invalid('?sasl= needs a user and a password before the host')
    return undefined
  }
  return { mechanism, username: decodeURIComponent(url.username), password: decodeURIComponent(url.password) }
}
