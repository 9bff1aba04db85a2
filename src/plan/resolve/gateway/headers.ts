import type { HeadersConfig } from '../../../config/schema/gateway/headers.ts'
import { type HeaderRules, mergeRules } from '../../model/headers.ts'

// Safe for every page: no MIME sniffing, no framing by other sites, no paths in referrers, no software names.
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

/** Field names are case-insensitive (RFC 9110 §5.1); the plan has them in lower case. The file wins over the preset. */
export function resolveHeaders(written: Written | undefined): HeaderRules {
  const own = Object.entries(written?.headers ?? {}).map(([name, rule]) => [name.toLowerCase(), rule])
  return mergeRules(written?.securityHeaders ? securityHeaders : {}, Object.fromEntries(own))
}
