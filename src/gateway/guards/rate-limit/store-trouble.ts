/** Why a Redis cannot count, in words for the operator: what it says, and the mend where there is one. */
import type { RateLimitStorePlan } from '../../../plan/guards.ts'
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
  // A server that is no Redis may repeat what it was sent.
  if (password !== undefined && said.includes(password)) return 'it answers what no Redis would'
  const mend = mends[/^[A-Z]+/.exec(said)?.[0] ?? '']
  return mend === undefined ? said : `${said} (${mend})`
}

function wordsOf(error: unknown): string {
  // A name with two addresses gives two errors, in one whose message is empty.
  const { message = '', code } = error as { message?: string; code?: unknown }
  return oneLine(message || String(code ?? error))
}
