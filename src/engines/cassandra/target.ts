import { AppError } from '../../core/errors.ts'
import { type Address, addressesOf } from '../url.ts'

export interface CassandraTarget {
  /** Some of the nodes, as `host:port`; the others are learnt from them. */
  readonly nodes: readonly string[]
  /** Where all nodes listen. */
  readonly port: number
  readonly keyspace: string
  /** Copies of each row in the datacenter, for when the keyspace is made. */
  readonly replication: number
  readonly datacenter: string
  /** Begins every user's key, so that several programs can share a keyspace. */
  readonly prefix: string
  readonly isSafe: boolean
  readonly credentials: { readonly username: string; readonly password: string } | undefined
}

const DEFAULT_PORT = 9042
/** What a cluster is called that nobody has named. */
const DEFAULT_DATACENTER = 'datacenter1'
const DEFAULT_REPLICATION = '3'
const OPTIONS = ['dc', 'replication', 'prefix', 'tls', 'nodes']

const invalid = (message: string) => new AppError('invalid_config', `Cassandra: ${message}`)

/** What a URL says. Throws `invalid_config`. */
export function targetOf(url: URL): CassandraTarget {
  const unknown = [...url.searchParams.keys()].find((name) => !OPTIONS.includes(name))
  if (unknown !== undefined) {
    throw invalid(`?${unknown}= is not known; known: ${OPTIONS.filter((name) => name !== 'nodes').join(', ')}`)
  }
  const option = (name: string, shape: RegExp, otherwise: string, rule: string) => {
    const value = url.searchParams.get(name) ?? otherwise
    if (!shape.test(value)) throw invalid(`?${name}= ${rule}`)
    return value
  }
  const keyspace = url.pathname.replace(/^\//, '')
  if (!/^[a-z][a-z0-9_]{0,47}$/.test(keyspace)) {
    const rule = 'lower-case letters, digits and _, at most 48, a letter first'
    throw invalid(`"${keyspace}" is not the name of a keyspace, as in cassandra://host/fanfold (${rule})`)
  }
  const addresses = nodesOf(url)
  return {
    nodes: addresses.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`),
    port: addresses[0]!.port,
    keyspace,
    replication: Number(option('replication', /^[1-9]$/, DEFAULT_REPLICATION, 'is a number from 1 to 9')),
    datacenter: option('dc', /^[A-Za-z0-9_.-]{1,100}$/, DEFAULT_DATACENTER, 'is the name of a datacenter'),
    prefix: option('prefix', /^[A-Za-z0-9_-]{0,64}$/, '', 'may have letters, digits, _ and -'),
    isSafe: option('tls', /^(true|false)$/, 'false', 'is true or false') === 'true',
    credentials:
      url.username === ''
        ? undefined
        : { username: decodeURIComponent(url.username), password: decodeURIComponent(url.password) },
  }
}

/** Of some of the nodes. */
function nodesOf(url: URL): Address[] {
  const addresses = addressesOf(url, DEFAULT_PORT, invalid)
  if (addresses.some(({ port }) => port !== addresses[0]!.port)) {
    throw invalid('all nodes must listen on the same port: Cassandra tells only the addresses of the others')
  }
  return addresses
}
