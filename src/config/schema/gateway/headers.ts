/** Rules for header fields. */
import * as z from 'zod'
import { headerName, headerValue, scalar } from '../scalars.ts'
import { listOf, mapping, named, oneOrMany } from '../structures.ts'

// RFC 9110 §7.6.1 and RFC 9112 §6: they concern one connection or the framing of a message, which the gateway controls.
const reservedHeaders = new Set([
  'connection',
  'content-length',
  'expect',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

const settableName = scalar({
  expected: 'the name of a header that belongs neither to the connection nor to the framing of a message',
  read: (written) =>
    headerName.safeParse(written).success && !reservedHeaders.has(written.toLowerCase()) ? written : undefined,
})

const values = listOf(headerValue, 'a list of values')

/** By header name, the change to make. */
export const headersSchema = named(
  z.union([headerValue, values, mapping({ add: oneOrMany(headerValue, 'a list of values') })]).nullable(),
  settableName,
).describe(
  'A text or a list sets, null removes, `{ add: text }` adds; may contain {host}, {scheme}, {client} and {request_id}',
)

export const requestHeaders = mapping({
  headers: headersSchema.prefault({}),
  keep: oneOrMany(headerName, 'a list of headers')
    .describe('Headers to accept from any client that normally only trusted proxies may set (docs/headers.md)')
    .optional(),
})

export type HeadersConfig = z.output<typeof headersSchema>
