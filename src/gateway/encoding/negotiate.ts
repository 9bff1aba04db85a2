/** Negotiates the content coding by Accept-Encoding (RFC 9110 §12.5.3). */
import type { ContentEncoding } from '../../plan/model/plan.ts'

/** Smaller bodies are sent unencoded: they fit in one packet either way, and might even get longer. */
export const minEncodedSize = 512

/**
 * The offered encodings that the client accepts, best first; at equal weight in the order of the offer. Empty: the body
 * is sent unencoded, even to a client that forbids that, since no body at all would help it less.
 */
export type Negotiate = (acceptEncoding: string | undefined) => readonly ContentEncoding[]

// All browsers together send about ten different values; others are parsed each time.
const remembered = 64

/** Created once per generation; caches parsed headers. */
export function createNegotiator(offered: readonly ContentEncoding[]): Negotiate {
  const known = new Map<string, readonly ContentEncoding[]>()
  return (acceptEncoding) => {
    if (acceptEncoding === undefined || offered.length === 0) return []
    const before = known.get(acceptEncoding)
    if (before) return before
    const accepted = rank(acceptEncoding, offered)
    if (known.size < remembered && acceptEncoding.length < 256) known.set(acceptEncoding, accepted)
    return accepted
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

/** Weights from 0 to 1 by coding in lower case. A malformed weight counts as 0: unencoded is always readable. */
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
