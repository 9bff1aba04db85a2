/** Scalars for network addresses. */
import { isIP } from 'node:net'
import { socketOrigin } from '../../../shared/net/socket-origin.ts'
import { InvalidValue } from '../invalid-value.ts'
import { scalar } from '../scalars.ts'

/** Where a listener listens; without host on all addresses. Port 0 lets the system choose. */
export interface Address {
  readonly host?: string
  readonly port: number
}

/** Where a route sends requests: a process or an upstream by name, or an origin (shared/net/origin-scheme.ts). */
export type Target = { readonly name: string } | { readonly origin: string }

/** The port part of a probe's address. */
const ownPort = ':{port}'

const names = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i

export const address = scalar<Address>({
  expected: 'an address such as `:8080` or `127.0.0.1:8080`',
  read(written) {
    if (/^\d+$/.test(written)) return new InvalidValue('is a bare port', `write \`:${written}\`, for all addresses`)
    return readHostAndPort(written, 0) ?? invalidAddress(written)
  },
})

function invalidAddress(written: string): InvalidValue | undefined {
  const url = written.includes('://') ? URL.parse(written.replace('://:', '://0.0.0.0:')) : null
  if (url && url.hostname !== '') {
    const port = url.port || (url.protocol === 'https:' ? '443' : '80')
    const instead = `${url.hostname === '0.0.0.0' ? '' : url.hostname}:${port}`
    return new InvalidValue('is a URL', 'write the host and port only', instead)
  }
  const [, host = written, port] = /^(.*):(\d+)$/.exec(written) ?? []
  if (isIP(host) === 6)
    return new InvalidValue(
      'is an IPv6 address without brackets',
      'write it in brackets: `"[::1]:8080"`',
      `"[${host}]:${port ?? 8080}"`,
    )
  if (Number(port) > 65_535) return new InvalidValue('has a port above 65535', 'the maximum is `65535`')
  if (/:\d+-\d+$/.test(written)) return new InvalidValue('is a range of ports', 'write a listener for each port')
  if (names.test(written.replace(/:$/, '')))
    return new InvalidValue('has no port', 'add one: `localhost:8080`', `${written.replace(/:$/, '')}:8080`)
  return undefined
}

/** What a tcp probe connects to; without host on this machine. Port 0 is the process's own, written `{port}`. */
export const probeAddress = scalar<Address>({
  expected: 'a port, or an address such as `localhost:5432`',
  json: { type: ['string', 'integer'] },
  read(written) {
    const whole = /^(\d+|\{port\})$/.test(written) ? `:${written}` : written
    return whole.endsWith(ownPort) ? readHostAndPort(whole.replace(ownPort, ':0'), 0) : readHostAndPort(whole, 1)
  },
})

export const target = scalar<Target>({
  expected: 'the name of a process or upstream, or a URL such as `http://127.0.0.1:9000` or `unix:/run/app.sock`',
  read(written) {
    if (written.startsWith('unix:')) return readSocket(written)
    const read = written.includes(':') ? readOrigin(withScheme(written)) : undefined
    if (!read) return written === '' ? undefined : { name: written }
    return read instanceof InvalidValue ? read : { origin: read }
  },
})

/** `scheme://host:port` of a program that answers requests. */
export const origin = scalar<string>({
  expected: 'a URL such as `http://10.0.0.5:8080`',
  read: (written) => (written.includes(':') ? readOrigin(withScheme(written)) : undefined),
})

/** `:9000` is a port of this machine. */
function withScheme(written: string): string {
  const address = written.includes('://') ? undefined : readHostAndPort(written, 1)
  return address ? `http://${written.startsWith(':') ? '127.0.0.1' : ''}${written}` : written
}

function readSocket(written: string): Target | InvalidValue {
  const [path = '', more] = written.replace(/^unix:(\/\/(?=\/))?/, '').split(':')
  if (!path.startsWith('/')) return new InvalidValue('has no absolute path', 'write it as `unix:/run/app.sock`')
  if (more !== undefined)
    return new InvalidValue('has more after the path', 'end it there: requests keep their own path')
  return { origin: socketOrigin(path) }
}

/** By its scheme: the URL that is like it in everything else, since `URL` knows the parts of these two only. */
const likeHttp: Readonly<Record<string, 'http:' | 'https:'>> = {
  'http:': 'http:',
  'https:': 'https:',
  'h2c:': 'http:',
  'h2:': 'https:',
}

function readOrigin(written: string): string | InvalidValue {
  const [scheme = ''] = /^[a-z][a-z0-9+.-]*:/i.exec(written) ?? []
  const protocol = scheme.toLowerCase()
  const like = likeHttp[protocol]
  const url = like ? URL.parse(like + written.slice(scheme.length)) : null
  if (!like || !url)
    return new InvalidValue('is not an http, https, h2c or h2 URL', 'write it as `http://host:port`', knownUrl(written))
  if (like === 'http:' && url.port === '443')
    return new InvalidValue('uses the HTTPS port without TLS', `write \`${withTls[protocol]}//${url.hostname}\``)
  if (url.username || url.password)
    return new InvalidValue('contains a user or password', 'remove them: requests are forwarded with their own headers')
  if (url.search || url.hash || !/^[^:]+:\/\/[^/]*\/?$/.test(written))
    return new InvalidValue(
      'has a path',
      'end it after the host and port: requests are forwarded with their own path',
      protocol + url.origin.slice(like.length),
    )
  return protocol + url.origin.slice(like.length)
}

const withTls: Readonly<Record<string, string>> = { 'http:': 'https:', 'h2c:': 'h2:' }

/** What other programs name differently. WebSockets begin as HTTP requests, gRPC is HTTP/2. */
const otherNames: Readonly<Record<string, string>> = {
  'ws:': 'http:',
  'wss:': 'https:',
  'grpc:': 'h2c:',
  'grpcs:': 'h2:',
}

function knownUrl(written: string): string | undefined {
  const url = URL.parse(written)
  const protocol = url && otherNames[url.protocol]
  return protocol ? `${protocol}//${url.host}` : undefined
}

/** A path on the process's own port, or a whole URL. */
export const probeUrl = scalar({
  expected: 'a path such as `/health`, or a whole URL',
  read(written) {
    if (written.startsWith('/')) return written
    if (/^https?:$/.test(URL.parse(written.replace(ownPort, ':1'))?.protocol ?? '')) return written
    if (/^[\w.-]+(\/[\w./-]*)?$/.test(written))
      return new InvalidValue('does not begin with `/`', 'a path begins with `/`', `/${written}`)
    return undefined
  },
})

export const domain = scalar({
  expected: 'a domain such as `example.com` or `*.example.com`, or an IP address',
  read(written) {
    const name = written.startsWith('*.') ? written.slice(2) : written
    if (written.includes('://')) return new InvalidValue('is a URL', 'write the name alone, without scheme and path')
    // Clients that dial an address send no host name; the first certificate serves them, so this one must have the
    // address.
    if (isIP(written) !== 0) return written.toLowerCase()
    if (/^\[.*\]$/.test(written)) return new InvalidValue('is an address in brackets', 'write it without them')
    if (/:\d+$/.test(name)) return new InvalidValue('has a port', 'write the name alone')
    return names.test(name) && name.length <= 253 && name.split('.').every((label) => label.length <= 63)
      ? written.toLowerCase()
      : undefined
  },
})

function readHostAndPort(written: string, leastPort: number): Address | undefined {
  const [, bracketed, bare = '', digits] = /^(?:\[([^\]]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(written) ?? []
  const port = Number(digits)
  if (digits === undefined || port < leastPort || port > 65_535) return undefined
  if (bracketed !== undefined) return isIP(bracketed) === 6 ? { host: bracketed, port } : undefined
  if (bare === '') return { port }
  // Otherwise an invalid address such as 127.0.0.256 would pass for a name.
  const isAddress = isIP(bare) === 4 || (names.test(bare) && !/^[\d.]+$/.test(bare))
  return isAddress ? { host: bare, port } : undefined
}
