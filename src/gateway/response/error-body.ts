/** The body of the gateway's own errors: the status and the request id, but never the cause. */
import { STATUS_CODES } from 'node:http'
import type { ErrorsPlan } from '../../plan/model/gateway.ts'
import type { FlatHeaders } from './flat-headers.ts'

export interface ErrorBody {
  readonly text: string
  readonly headers: FlatHeaders
}

type Kind = 'json' | 'html' | 'plain'

/** `accept` is the client's Accept header. */
export function errorBody(
  status: number,
  { format }: ErrorsPlan,
  { accept, requestId }: { readonly accept: string | undefined; readonly requestId: string },
): ErrorBody {
  const kind = format === 'auto' ? kindFor(accept) : format
  // RFC 9110 §12.5.5: a cache must not serve one client's format to another.
  const varies = format === 'auto' ? ['vary', 'accept'] : []
  const reason = STATUS_CODES[status] ?? 'Error'
  switch (kind) {
    case 'json':
      return {
        text: `${JSON.stringify({ status, error: reason, requestId })}\n`,
        headers: ['content-type', 'application/json', ...varies],
      }
    case 'html':
      return { text: page(status, reason, requestId), headers: ['content-type', 'text/html; charset=utf-8', ...varies] }
    case 'plain':
      return { text: `${status} ${reason}\n`, headers: ['content-type', 'text/plain; charset=utf-8', ...varies] }
  }
}

/** The format with the highest weight among those that the client names; the first of several (RFC 9110 §12.5.1). */
function kindFor(accept: string | undefined): Kind {
  let best: Kind = 'plain'
  let highest = 0
  for (const range of accept?.split(',') ?? []) {
    const [name = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
    const kind = kindNamed(name)
    const weight = parameters.find((parameter) => parameter.startsWith('q='))
    const quality = weight === undefined ? 1 : Number(weight.slice(2))
    if (!kind || !(quality > highest)) continue
    best = kind
    highest = quality
  }
  return best
}

function kindNamed(range: string): Kind | undefined {
  if (range === 'application/json' || /^application\/[\w.-]+\+json$/.test(range)) return 'json'
  if (range === 'text/html' || range === 'application/xhtml+xml') return 'html'
  return range === 'text/plain' ? 'plain' : undefined
}

function page(status: number, reason: string, requestId: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>${status} ${reason}</title>
<body style="font: 1rem/1.5 system-ui, sans-serif; max-width: 32rem; margin: 20vh auto; padding: 0 1rem">
<h1 style="font-size: 1.5rem">${status} ${reason}</h1>
<p>Request <code>${escapeHtml(requestId)}</code></p>
</html>
`
}

/** The id may be a text from the config. */
function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
