export interface Address {
  readonly host: string
  readonly port: number
}

/** As a URL is written, without its password, and with the hosts that the registry has put into `?nodes=` in their place. */
export function shownUrl(url: URL): string {
  const password = url.password === '' ? '' : ':***'
  const user = url.username === '' && password === '' ? '' : `${url.username}${password}@`
  const { nodes, ...params } = Object.fromEntries(url.searchParams)
  const query = new URLSearchParams(params).toString()
  const hosts = [url.host, ...(nodes === undefined ? [] : [nodes])].join(',')
  return `${url.protocol}//${user}${hosts}${url.pathname}${query === '' ? '' : `?${query}`}`
}

/** The first host of a URL, and those of `?nodes=`; an empty one is this machine. Throws what `invalid` makes of the reason. */
export function addressesOf(url: URL, defaultPort: number, invalid: (reason: string) => Error): Address[] {
  const hosts = [url.host, ...(url.searchParams.get('nodes')?.split(',') ?? [])]
  return hosts.map((text) => {
    const parts = /^(?:\[([^\]]+)\]|([^:]*))(?::(\d+))?$/.exec(text)
    const host = parts?.[1] ?? parts?.[2]
    if (host === undefined) throw invalid(`"${text}" is not host:port`)
    return { host: host === '' ? '127.0.0.1' : host, port: Number(parts?.[3] ?? defaultPort) }
  })
}
