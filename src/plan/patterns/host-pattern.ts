/**
 * Host patterns of routes: a name, an address, or `*.example.com`, which matches one label or more in front of
 * `.example.com` and not `example.com` itself. Patterns and hosts are compared in lower case and without port.
 */
import { isIP } from 'node:net'
import type { PatternProblem } from './pattern-problem.ts'

/** Turns a valid pattern into its test; the argument is a host in lower case, without port. */
export function compileHostPattern(pattern: string): (host: string) => boolean {
  const wanted = pattern.toLowerCase()
  if (!wanted.startsWith('*.')) return (host) => host === wanted
  const suffix = wanted.slice(1)
  return (host) => host.length > suffix.length && host.endsWith(suffix)
}

/** What is wrong with a pattern and how to fix it; undefined if it is valid. */
export function validateHostPattern(pattern: string): PatternProblem | undefined {
  if (pattern === '' || pattern === '*') return { problem: 'is not a host', hint: 'remove `host` to match every host' }
  if (pattern.includes('://')) return { problem: 'is a URL', hint: 'write the host alone, without scheme and path' }
  const stars = pattern.startsWith('*.') ? '*.' : ''
  const bare = pattern.slice(stars.length)
  if (isIP(bare) === 6) return { problem: 'is a bare IPv6 address', hint: 'write it in brackets: `[::1]`' }
  if (/:\d+$/.test(bare) && !bare.endsWith(']'))
    return { problem: 'has a port', hint: 'write the host alone; `listener` chooses by port' }
  if (bare.endsWith('.'))
    return {
      problem: 'matches no request: hosts are compared without a trailing dot',
      hint: 'remove it',
      instead: pattern.slice(0, -1),
    }
  return nonCanonicalHost(stars, bare) ?? invalidName(bare)
}

/**
 * Clients send addresses in their shortest form and names in ASCII (WHATWG URL §3.5): any other form matches no
 * request.
 */
function nonCanonicalHost(stars: '*.' | '', bare: string): PatternProblem | undefined {
  const sent = URL.parse(`http://${bare.replace(/[/?#@\\]/g, ' ')}`)?.hostname
  if (sent === undefined) return undefined
  if (stars && (sent.startsWith('[') || isIP(sent)))
    return {
      problem: 'matches no request: an address has no subdomains',
      hint: 'write the address alone',
      instead: sent,
    }
  if (sent === bare.toLowerCase()) return undefined
  if (/[^\0-\x7f]/.test(bare))
    return {
      problem: 'is not in ASCII',
      hint: 'write it as browsers send it, in the form that begins with `xn--`',
      instead: stars + sent,
    }
  return {
    problem: 'matches no request: clients send this host in another form',
    hint: 'write it as a browser shows it',
    instead: stars + sent,
  }
}

function invalidName(bare: string): PatternProblem | undefined {
  // RFC 6874 §4: a zone is meaningful only on the client's machine and is not sent.
  if (/^\[.*%.*\]$/.test(bare))
    return {
      problem: 'matches no request: clients do not send the zone of an address',
      hint: 'write the address without its zone',
      instead: bare.replace(/%.*\]/, ']'),
    }
  if (bare.startsWith('[') && bare.endsWith(']') && isIP(bare.slice(1, -1)) === 6) return undefined
  const labels = bare.split('.')
  if (bare.length <= 253 && labels.every((label) => /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/i.test(label)))
    return undefined
  return {
    problem: 'is not a host',
    hint: 'write a name such as `example.com`, or `*.example.com` for all names below it',
  }
}

/** True if every host that `narrow` matches is matched by `wide` too; both are valid patterns. */
export function hostPatternCovers(wide: string, narrow: string): boolean {
  const outer = wide.toLowerCase()
  const inner = narrow.toLowerCase()
  if (!inner.startsWith('*.')) return compileHostPattern(outer)(inner)
  return outer.startsWith('*.') && inner.slice(1).endsWith(outer.slice(1))
}
