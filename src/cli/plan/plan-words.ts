/** The guards of a route and the command of a process, for `gatehouse plan`. */
import type { GuardsPlan, RouteMatch } from '../../plan/model/plan.ts'
import { formatBytes } from '../../shared/bytes.ts'
import { formatDuration } from '../../shared/time/duration.ts'

/** The guards of a route, without the body limit if it is that of the whole gateway (`shared`). */
export function guardWords({ requestBody, addresses, rateLimit, auth }: GuardsPlan, shared: GuardsPlan): string {
  const words = [
    ...(auth?.kind === 'basic' ? [`auth: ${auth.users.join(', ')}`] : []),
    ...(auth?.kind === 'forward' ? [`auth: asks ${new URL(auth.url).origin}`] : []),
    ...addresses.flatMap(({ allow, deny }) => [
      ...(allow ? [`only ${allow.join(', ')}`] : []),
      ...(deny ? [`not ${deny.join(', ')}`] : []),
    ]),
    ...(rateLimit ? [rateWords(rateLimit)] : []),
    ...(requestBody === shared.requestBody ? [] : [`bodies up to ${formatBytes(requestBody)}`]),
  ]
  return words.join('; ')
}

function rateWords({ requests, window, by, of }: NonNullable<GuardsPlan['rateLimit']>): string {
  const counted = by.kind === 'client' ? 'client' : `${by.kind} ${by.name}`
  const shared = of === 'gateway' ? ', all routes together' : ''
  return `${requests} requests in ${formatDuration(window)} for each ${counted}${shared}`
}

export function listenerWords({ listeners }: RouteMatch): string {
  return listeners === undefined ? '' : `on ${listeners.join(', ')}`
}

/** As a shell reads it: words that are empty or contain blanks are quoted. */
export function commandWords(command: readonly string[]): string {
  return command.map(asShellWord).join(' ')
}

/** Quoted where a shell needs it; control characters, which would reach the terminal, are escaped. */
function asShellWord(word: string): string {
  if (/^[\w@%+=:,./{}-]+$/.test(word)) return word
  const quoted = word.replaceAll("'", "'\\''")
  if (!/\p{Cc}/u.test(word)) return `'${quoted}'`
  const escaped = word.replaceAll('\\', '\\\\').replaceAll("'", "\\'")
  return `$'${escaped.replaceAll(/\p{Cc}/gu, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`)}'`
}
