import type { HeadersConfig } from '../config/schema/headers.ts'
import type { HeaderRules } from './headers.ts'

/** Field names are case-insensitive (RFC 9110 §5.1); the plan knows one spelling. */
export function resolveHeaders(written: { readonly headers: HeadersConfig } | undefined): HeaderRules {
  return Object.fromEntries(Object.entries(written?.headers ?? {}).map(([name, rule]) => [name.toLowerCase(), rule]))
}
