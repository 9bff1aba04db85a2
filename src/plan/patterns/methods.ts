/**
 * Whether a route with the method `wide` answers requests with `narrow`; both in upper case. HEAD is GET without the
 * content (RFC 9110 §9.3.2).
 */
export function methodCovers(wide: string, narrow: string): boolean {
  return wide === narrow || (wide === 'GET' && narrow === 'HEAD')
}
