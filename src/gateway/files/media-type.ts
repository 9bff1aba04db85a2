/** Media types by file extension. Text is UTF-8. */
import { extname } from 'node:path'
import { mediaTypes } from './media-types.ts'

const unknown = 'application/octet-stream'

/**
 * The Content-Type for a file with this name; application/octet-stream if unknown. It searches the text of the table,
 * about 10 µs for each file that enters the cache; a map of it would take 270 kB in each thread.
 */
export function mediaType(name: string): string {
  const at = mediaTypes.indexOf(`|${extname(name).slice(1).toLowerCase()}|`)
  if (at === -1) return unknown
  const start = mediaTypes.lastIndexOf('\n', at) + 1
  const type = mediaTypes.slice(start, mediaTypes.indexOf('|', start))
  return type.startsWith('text/') ? `${type}; charset=utf-8` : type
}
