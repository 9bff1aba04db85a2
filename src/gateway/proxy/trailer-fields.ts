/** RFC 9110 §6.5.1: fields that frame, route, authenticate or describe a message must precede its body. */
export const neverTrailers: ReadonlySet<string> = new Set([
  'authorization',
  'cache-control',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'host',
  'location',
  'set-cookie',
  'vary',
  'www-authenticate',
])
