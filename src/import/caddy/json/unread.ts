/** Reports the parts of Caddy's JSON that no reader has read, which would otherwise be lost silently. */
import type { Notes } from '../notes.ts'
import { type Json, wasRead, wasVisited } from './tree.ts'

/** Keys that have no effect here, repeat others, or spell out Caddy's defaults. */
const needless =
  /^admin\.|(^|\.)(@id|handler|name|hash|hash_cache|password|salt|realm|close|metrics|precompressed_order)$|\.errors\.routes\.|tls_connection_policies\.(match|certificate_selection)$|\.automatic_https\.|\.logs\.logger_names$/

const nearest: readonly (readonly [path: RegExp, message: string])[] = [
  [/client_authentication/, '`clientCertificates` of a listener says which clients need a certificate'],
  [/^logging/, 'there is one log, on stdout: `log`, and `accessLog` for requests'],
  [/\.challenges$/, '`acme` has `challenges` and `dns`'],
  [/on_demand/, 'certificates are only for names listed in `domains`'],
  [/client_ip_headers/, 'the client address comes from X-Forwarded-For of trusted proxies'],
  [/\.protocols$/, 'HTTP/1.1 and h2 are supported; h3 and h2c are not'],
]

/** Call it after all readers are done. */
export function reportUnread(whole: Json, notes: Notes): void {
  for (const { path, json } of unreadIn(whole, [])) {
    const name = path.join('.')
    if (needless.test(name) || isNothing(json)) continue
    const message = nearest.find(([pattern]) => pattern.test(name))?.[1] ?? 'not supported'
    notes.untranslated(json.at, `\`${path.slice(-2).join('.')}\`: ${message}`)
  }
}

interface Unread {
  readonly path: readonly string[]
  readonly json: Json
}

/** The topmost unread parts. What was never opened was taken as a whole. */
function unreadIn(json: Json, path: readonly string[]): readonly Unread[] {
  if (json.items) return json.items.flatMap((item) => unreadIn(item, path))
  if (!json.entries || !wasVisited(json)) return []
  return [...json.entries].flatMap(([key, value]) =>
    wasRead(value) ? unreadIn(value, [...path, key]) : [{ path: [...path, key], json: value }],
  )
}

function isNothing({ word, items, entries, text }: Json): boolean {
  return text === '' || (text === undefined && word !== true && !items?.length && !entries?.size)
}
