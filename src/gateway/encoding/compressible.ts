/** Which bodies are worth compressing, by their media type. */

const types = new Set([
  'application/javascript',
  'application/json',
  'application/manifest+json',
  'application/rtf',
  'application/toml',
  'application/vnd.ms-fontobject',
  'application/wasm',
  'application/x-javascript',
  'application/x-ndjson',
  'application/x-sh',
  'application/x-yaml',
  'application/yaml',
  'application/xml',
  'font/otf',
  'font/ttf',
  'image/bmp',
  'image/svg+xml',
  'image/vnd.microsoft.icon',
  'image/x-icon',
])

/** Never true for an event stream: an encoder would hold back events until its block is full. */
export function isCompressible(contentType: string): boolean {
  const end = contentType.indexOf(';')
  const type = (end === -1 ? contentType : contentType.slice(0, end)).trim().toLowerCase()
  if (type.startsWith('text/')) return type !== 'text/event-stream'
  return types.has(type) || type.endsWith('+json') || type.endsWith('+xml')
}
