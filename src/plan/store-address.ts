import type { RateLimitStorePlan } from './guards.ts'

/** `host:port`: all of the store's URL that may be shown. */
export function storeAddress({ host, port }: RateLimitStorePlan): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
