import type { HeadersConfig } from '../../../config/schema/gateway/headers.ts'
import { type HeaderRules, layOver } from '../../model/headers.ts'

// What no page misses: no guessing of types, no frames of strangers, no paths told to other sites, no names of software.
const securityHeaders: HeaderRules = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'SAMEORIGIN',
  'referrer-policy': 'strict-origin-when-cross-origin',
  server: null,
  'x-powered-by': null,
}

interface Written {
  readonly headers: HeadersConfig
  readonly securityHeaders?: boolean
}

/** Field names are case-insensitive (RFC 9110 §5.1); the plan knows one spelling. What is written wins over the preset. */
export function resolveHeaders(written: Written | undefined): HeaderRules {
  const own = Object.entries(written?.headers ?? {}).map(([name, rule]) => [name.toLowerCase(), rule])
  return layOver(written?.securityHeaders ? securityHeaders : {}, Object.fromEntries(own))
}
