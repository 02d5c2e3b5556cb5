import { AppError } from '../../core/errors.ts'
import { shownUrl } from '../url.ts'

export interface RabbitTarget {
  /** At least one; of a cluster, some or all. */
  readonly hosts: readonly { readonly host: string; readonly port: number }[]
  readonly username: string
  readonly password: string
  readonly vhost: string
  readonly isSafe: boolean
  /** What every queue's name begins with. */
  readonly prefix: string
  /** The exchange of the events for others. */
  readonly eventsExchange: string
  /** The URL without its password. */
  readonly shown: string
}

const DEFAULT_PREFIX = 'fanfold'
const EVENTS_EXCHANGE = 'fanfold.events.v1'

const invalid = (message: string) => new AppError('invalid_config', `RabbitMQ: ${message}`)

/** What a URL says: `amqp://user:password@host:port,host:port/vhost?prefix=`. Throws `invalid_config`. */
export function targetOf(url: URL): RabbitTarget {
  const unknown = [...url.searchParams.keys()].find((name) => name !== 'prefix' && name !== 'nodes')
  if (unknown !== undefined) throw invalid(`?${unknown}= is not known; known: prefix`)
  const given = url.searchParams.get('prefix')
  if (given !== null && !/^[A-Za-z0-9_.-]{1,64}$/.test(given)) {
    throw invalid('?prefix= must be 1 to 64 letters, digits, _, . and -')
  }
  if (!/^\/?[^/]*$/.test(url.pathname)) throw invalid(`${url.pathname} is not a virtual host; write / in it as %2F`)
  const isSafe = url.protocol === 'amqps:'
  return {
    hosts: hostsOf(url, isSafe ? 5671 : 5672),
    username: decodeURIComponent(url.username || 'guest'),
    password: decodeURIComponent(url.password || 'guest'),
    vhost: decodeURIComponent(url.pathname.slice(1)) || '/',
    isSafe,
    prefix: given ?? DEFAULT_PREFIX,
    eventsExchange: given === null ? EVENTS_EXCHANGE : `${given}/${EVENTS_EXCHANGE}`,
    shown: shownUrl(url),
  }
}

/** The first host, and those of `?nodes=`, where the registry puts the further hosts of a list. */
function hostsOf(url: URL, defaultPort: number): RabbitTarget['hosts'] {
  return [url.host, ...(url.searchParams.get('nodes')?.split(',') ?? [])].map((text) => {
    const [, host, port] = /^([^:[\]]*)(?::(\d+))?$/.exec(text) ?? []
    if (host === undefined) throw invalid(`"${text}" is not host:port`)
    return { host: host === '' ? '127.0.0.1' : host, port: Number(port ?? defaultPort) }
  })
}
