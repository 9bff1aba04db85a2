/** Ranges of IP addresses. */
import { isIP } from 'node:net'
import { InvalidValue } from '../invalid-value.ts'
import { scalar } from '../scalars.ts'

// RFC 1122 §3.2.1.3 and RFC 4291 §2.5.3; RFC 1918 and RFC 4193.
const namedRanges: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1/128'],
  private: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
  none: [],
}

/** Reads as the ranges it stands for, each as `address/prefix`. */
export const addressRanges = scalar<readonly string[]>({
  expected: 'an address, a range such as `10.0.0.0/8`, `loopback`, `private` or `none`',
  words: Object.keys(namedRanges),
  read(written) {
    if (Object.hasOwn(namedRanges, written)) return namedRanges[written]
    if (/^(all|any|\*|everyone|everybody|everything)$/i.test(written))
      return new InvalidValue('is not an address range', 'for all addresses, write `[0.0.0.0/0, "::/0"]`', '0.0.0.0/0')
    const [address = '', prefix, ...rest] = written.toLowerCase().split('/')
    const bits = isIP(address) === 4 ? 32 : 128
    if (isIP(address) === 0 || address.includes('%') || rest.length > 0) return undefined
    if (address.startsWith('::ffff:'))
      return new InvalidValue('is an IPv4-mapped IPv6 address', 'write it as IPv4, which covers both forms')
    if (prefix === undefined) return [`${address}/${bits}`]
    if (!/^\d{1,3}$/.test(prefix) || Number(prefix) > bits)
      return new InvalidValue('has too long a prefix', `a prefix is a number of bits from 0 to ${bits}`)
    return [`${address}/${Number(prefix)}`]
  },
})
