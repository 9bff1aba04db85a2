/** Which content coding a client gets, by its Accept-Encoding (RFC 9110 §12.5.3). */
import type { ContentEncoding } from '../../plan/model/plan.ts'

/** Bodies smaller than this are sent as they are: one packet either way, and some encodings would make them longer. */
export const leastWorthEncoding = 512

/**
 * The client's favourites among the offered encodings, best first; at equal weight in the order of the offer. Empty: the
 * body goes as it is, which is also the answer to a client that forbids even that, since no page helps it less.
 */
export type Negotiate = (acceptEncoding: string | undefined) => readonly ContentEncoding[]

// Browsers send about ten different values between them; whoever sends more only pays for being read each time.
const remembered = 64

/** Made once per generation: what was read of a header is remembered. */
export function createNegotiator(offered: readonly ContentEncoding[]): Negotiate {
  const known = new Map<string, readonly ContentEncoding[]>()
  return (acceptEncoding) => {
    if (acceptEncoding === undefined || offered.length === 0) return []
    const before = known.get(acceptEncoding)
    if (before) return before
    const favourites = rank(acceptEncoding, offered)
    if (known.size < remembered && acceptEncoding.length < 256) known.set(acceptEncoding, favourites)
    return favourites
  }
}

function rank(acceptEncoding: string, offered: readonly ContentEncoding[]): readonly ContentEncoding[] {
  const weights = weightsOf(acceptEncoding)
  const weightOf = (encoding: string) => weights.get(encoding) ?? weights.get('*') ?? 0
  // Identity is acceptable unless it is excluded, but at no particular weight unless it is named.
  const identity = weights.get('identity') ?? 0
  return offered
    .filter((encoding) => weightOf(encoding) > 0 && weightOf(encoding) >= identity)
    .sort((a, b) => weightOf(b) - weightOf(a))
}

/** Coding in lower case → its weight from 0 to 1. A weight that is malformed excludes: better too long than unreadable. */
function weightsOf(acceptEncoding: string): ReadonlyMap<string, number> {
  const weights = new Map<string, number>()
  for (const item of acceptEncoding.split(',')) {
    const [coding = '', ...parameters] = item.split(';').map((part) => part.trim().toLowerCase())
    if (coding === '') continue
    // RFC 9110 §8.4.1.3: x-gzip means gzip.
    weights.set(coding === 'x-gzip' ? 'gzip' : coding, weightOf(parameters))
  }
  return weights
}

function weightOf(parameters: readonly string[]): number {
  const weight = parameters.find((parameter) => /^q\s*=/.test(parameter))
  if (weight === undefined) return 1
  const match = /^q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.exec(weight)
  return match ? Number(match[1]) : 0
}
