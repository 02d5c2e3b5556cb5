import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { AppError, messageOf } from '../core/errors.ts'
import { isPublicAddress } from './addresses.ts'

export interface GuardOptions {
  /** Also `http:`. */
  readonly allowHttp: boolean
  /** Also addresses that are not public. */
  readonly allowPrivate: boolean
  /** All addresses of a name; the system's resolver unless given. */
  readonly resolve?: (hostname: string) => Promise<readonly string[]>
}

/**
 * Keeps webhooks from being used to reach what only this machine can reach (server-side request forgery). A name is
 * resolved here, and whoever connects must connect to one of the addresses that were looked at, not to the name.
 */
export interface Guard {
  /**
   * The addresses behind a URL, every one of them allowed; IPv4 first. Throws `webhook_url_refused`, also when the name
   * can't be resolved.
   */
  addressesOf(url: URL): Promise<readonly string[]>
  /** Text as the URL of an endpoint. Throws `webhook_url_refused`. */
  parse(text: string): URL
}

const refused = (why: string, cause?: unknown) =>
  new AppError('webhook_url_refused', `The URL is refused: ${why}`, {
    fields: [{ pointer: '/url', detail: why }],
    cause,
  })

async function resolveBySystem(hostname: string): Promise<readonly string[]> {
  return (await lookup(hostname, { all: true })).map(({ address }) => address)
}

export function createGuard({ allowHttp, allowPrivate, resolve = resolveBySystem }: GuardOptions): Guard {
  // Resolving takes one of few threads: deliveries to one host that start together ask once.
  const asking = new Map<string, Promise<readonly string[]>>()

  function resolveOnce(hostname: string): Promise<readonly string[]> {
    const underWay = asking.get(hostname)
    if (underWay !== undefined) return underWay
    const asked = resolve(hostname).finally(() => asking.delete(hostname))
    asking.set(hostname, asked)
    return asked
  }

  async function resolved(hostname: string): Promise<readonly string[]> {
    const bare = hostname.replace(/^\[(.*)\]$/, '$1')
    if (isIP(bare) !== 0) return [bare]
    try {
      return await resolveOnce(hostname)
    } catch (error) {
      throw refused(`its host can't be resolved (${messageOf(error)})`, error)
    }
  }

  return {
    parse(text) {
      if (!URL.canParse(text)) throw refused('it is not a URL')
      const url = new URL(text)
      if (url.protocol !== 'https:' && !(allowHttp && url.protocol === 'http:'))
        throw refused(allowHttp ? 'it must start with https: or http:' : 'it must start with https:')
      if (url.username !== '' || url.password !== '') throw refused('it must hold no user name and no password')
      if (url.hash !== '') throw refused('it must have no fragment')
      return url
    },
    async addressesOf(url) {
      const addresses = await resolved(url.hostname)
      if (addresses.length === 0) throw refused('its host has no address')
      // One inner address is enough: a name that has both is how a guard is got around.
      if (!allowPrivate && !addresses.every(isPublicAddress)) throw refused('its host is not on the public Internet')
      return addresses.toSorted((a, b) => isIP(a) - isIP(b))
    },
  }
}
