import { BlockList, isIP } from 'node:net'

/**
 * Addresses that nobody outside is reached by: IANA's special-purpose registries, multicast, and the address by which
 * virtual machines of one cloud reach their host. Those of other clouds' metadata services lie in these ranges.
 */
const INNER_IPV4: readonly (readonly [network: string, prefix: number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['168.63.129.16', 32],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
]

/** Inside 2000::/3, outside of which no address is global: protocol assignments (Teredo), documentation, 6to4. */
const INNER_IPV6: readonly (readonly [network: string, prefix: number])[] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
]

function listOf(family: 'ipv4' | 'ipv6', networks: readonly (readonly [string, number])[]): BlockList {
  const list = new BlockList()
  for (const [network, prefix] of networks) list.addSubnet(network, prefix, family)
  return list
}

const innerIpv4 = listOf('ipv4', INNER_IPV4)
const innerIpv6 = listOf('ipv6', INNER_IPV6)
const globalIpv6 = listOf('ipv6', [['2000::', 3]])
/** IPv4 in the last 32 bits: mapped (RFC 4291), and as a translator to IPv4 is addressed (NAT64, RFC 6052). */
const carriesIpv4 = listOf('ipv6', [
  ['::ffff:0:0', 96],
  ['64:ff9b::', 96],
])

function lastIpv4(address: string): string {
  // The URL parser writes every form alike, in hexadecimal groups.
  const groups = new URL(`http://[${address}]`).hostname.slice(1, -1).split(':')
  const [high = 0, low = 0] = groups.slice(-2).map((group) => Number.parseInt(group || '0', 16))
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}

/** Whether an IP address, as text, may be that of anybody on the public Internet. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address)
  if (family === 4) return !innerIpv4.check(address, 'ipv4')
  // A zone (`fe80::1%eth0`) only makes sense on a link of this machine.
  if (family !== 6 || address.includes('%')) return false
  if (carriesIpv4.check(address, 'ipv6')) return !innerIpv4.check(lastIpv4(address), 'ipv4')
  return globalIpv6.check(address, 'ipv6') && !innerIpv6.check(address, 'ipv6')
}
