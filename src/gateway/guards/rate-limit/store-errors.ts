/** Why a Redis cannot count, for the operator: its error, and a hint where there is one. */
import type { RateLimitStorePlan } from '../../../plan/model/guards.ts'
import { oneLine } from '../../../shared/one-line.ts'

/** By the first word of Redis's error. */
export const hints: Readonly<Record<string, string>> = {
  NOAUTH: 'put its password into `rateLimitStore`',
  WRONGPASS: 'put the right user and password into `rateLimitStore`',
  NOPERM: 'its user needs `~{gatehouse:rl}:* +@connection +@scripting +pttl +get +set +incr`',
  READONLY: 'it is a replica; name the primary in `rateLimitStore`',
  CLUSTERDOWN: 'its cluster is down; see `CLUSTER INFO`',
  OOM: 'its `maxmemory` is reached',
}

export function describeStoreError(error: unknown, { password }: RateLimitStorePlan): string {
  const text = textOf(error)
  const [kind = ''] = /^[A-Z]+/.exec(text) ?? []
  const hint = hints[kind]
  // A server that is no Redis may echo what it was sent, the password included. An error with a code is the system's
  // own, in which the password may occur by chance: `redis` is a common password, and host name, of Redis.
  if (password !== undefined && !('code' in Object(error)) && text.includes(password))
    return hint === undefined ? 'unexpected reply; is it a Redis server?' : `${kind} (${hint})`
  return hint === undefined ? text : `${text} (${hint})`
}

function textOf(error: unknown): string {
  // For a name with two addresses Node wraps two errors in one whose message is empty.
  const { message = '', code } = error as { message?: string; code?: unknown }
  return oneLine(message || String(code ?? error))
}
