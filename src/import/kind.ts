/** Detects the kind of a foreign file by its name or content. */
import { basename } from 'node:path'

export const kinds = ['caddyfile', 'caddy-json', 'supervisord', 'compose'] as const

export type Kind = (typeof kinds)[number]

export function kindOf(file: string, text: string): Kind | undefined {
  const name = basename(file).toLowerCase()
  if (/^caddyfile|caddyfile$/.test(name)) return 'caddyfile'
  if (isCaddyJson(text)) return 'caddy-json'
  if (/^\[(program|group|supervisord|include|unix_http_server|inet_http_server|eventlistener)[:\]]/m.test(text))
    return 'supervisord'
  if (/\.ya?ml$/.test(name) && /^services\s*:/m.test(text)) return 'compose'
  return /^supervisor.*\.(conf|ini)$/.test(name) ? 'supervisord' : undefined
}

/** Whether it is what `caddy adapt` prints. */
function isCaddyJson(text: string): boolean {
  if (!/^\s*\{/.test(text)) return false
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && 'apps' in value
  } catch {
    return false
  }
}
