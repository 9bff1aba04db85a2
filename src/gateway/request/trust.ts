/** Tests of addresses against ranges, and the canonical form of an address. */
import { BlockList, isIP, SocketAddress } from 'node:net'

/** True for a canonical address inside the ranges. */
export type AddressTest = (address: string) => boolean

const remembered = 4_096

/** `ranges` are written `address/prefix`, as the plan has them. */
export function compileRanges(ranges: readonly string[]): AddressTest {
  if (ranges.length === 0) return () => false
  const list = new BlockList()
  for (const range of ranges) {
    const [address = '', prefix] = range.split('/')
    list.addSubnet(address, Number(prefix), isIP(address) === 4 ? 'ipv4' : 'ipv6')
  }
  // A load balancer has few addresses and sends every request: remembering results is cheaper than checking the list.
  const known = new Map<string, boolean>()
  return (address) => {
    const answer = known.get(address)
    if (answer !== undefined) return answer
    const family = isIP(address)
    const inside = family !== 0 && list.check(address, family === 4 ? 'ipv4' : 'ipv6')
    if (known.size >= remembered) known.clear()
    known.set(address, inside)
    return inside
  }
}

/**
 * One text for one address, so that a client cannot pose as several: IPv6 as in RFC 5952, IPv4 without the mapping of
 * IPv6 sockets. Undefined if the text is no address.
 */
export function canonicalAddress(text: string): string | undefined {
  const family = isIP(text)
  if (family === 0 || text.includes('%')) return undefined
  if (family === 4) return text
  const { address } = new SocketAddress({ address: text, family: 'ipv6' })
  return withoutMapping(address)
}

/** Of an address as the system reports it: `::ffff:10.0.0.1` is an IPv4 client of a dual-stack socket. */
export function withoutMapping(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
}
