/** Why a Redis cannot count, in words for the operator: what it says, and the mend where there is one. */
import type { RateLimitStorePlan } from '../../../plan/model/guards.ts'
import { oneLine } from '../../../shared/one-line.ts'

/** By the first word of what Redis answers. */
export const mends: Readonly<Record<string, string>> = {
  NOAUTH: 'put its password into `rateLimitStore`',
  WRONGPASS: 'put the right user and password into `rateLimitStore`',
  NOPERM: 'its user needs `~{gatehouse:rl}:* +@connection +@scripting +pttl +get +set +incr`',
  READONLY: 'it is a replica: name the primary in `rateLimitStore`',
  CLUSTERDOWN: 'its cluster does not serve: look at `CLUSTER INFO`',
  OOM: 'its `maxmemory` is reached',
}

export function troubleOf(error: unknown, { password }: RateLimitStorePlan): string {
  const said = wordsOf(error)
  const [kind = ''] = /^[A-Z]+/.exec(said) ?? []
  const hint = mends[kind]
  // A server that is no Redis may repeat what it was sent. Where nobody has answered yet, or as every Redis would, it is chance:
  // `redis` is the password of many a Redis on a host of that name.
  if (password !== undefined && !('code' in Object(error)) && said.includes(password))
    return hint === undefined ? 'it answers what no Redis would' : `${kind} (${hint})`
  return hint === undefined ? said : `${said} (${hint})`
}

function wordsOf(error: unknown): string {
  // A name with two addresses gives two errors, in one whose message is empty.
  const { message = '', code } = error as { message?: string; code?: unknown }
  return oneLine(message || String(code ?? error))
}
