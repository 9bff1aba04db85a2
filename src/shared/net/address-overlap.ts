/** Whether the hosts of two listeners overlap: the kernel lets no two listen on the same address. */
import { isIP } from 'node:net'

/** Whether listeners of these hosts overlap on the same port. Absent: all addresses of both families. */
export function hostsOverlap(one: string | undefined, other: string | undefined): boolean {
  const others = reachOf(other)
  return reachOf(one).some((a) =>
    others.some((b) => a === b || (a[0] === b[0] && (a.endsWith('*') || b.endsWith('*')))),
  )
}

/** All addresses of both families, all of one, or a single one: `4:*`, `6:::1`. */
function reachOf(host: string | undefined): readonly string[] {
  if (host === undefined || host === '::') return ['4:*', '6:*']
  // IPv4 through a socket for IPv6 (RFC 4291 §2.5.5.2).
  const plain = host.replace(/^::ffff:(?=\d+\.)/i, '')
  if (plain === '0.0.0.0') return ['4:*']
  if (plain === 'localhost') return ['4:127.0.0.1', '6:::1']
  return [isIP(plain) === 6 ? `6:${canonical(plain)}` : `4:${plain}`]
}

/** `::1` and `0:0:0:0:0:0:0:1` are one address; a zone (`fe80::1%eth0`) is left as it is. */
function canonical(address: string): string {
  return URL.parse(`http://[${address}]`)?.hostname.slice(1, -1) ?? address
}
