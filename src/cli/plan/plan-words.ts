/** What `gatehouse plan` says of one route's guards and one process's command. */
import type { GuardsPlan, RouteMatch } from '../../plan/model/plan.ts'
import { formatBytes } from '../../shared/bytes.ts'
import { formatDuration } from '../../shared/time/duration.ts'

/** What a request must pass, beside the gateway's own limit of a body: `shared` are the guards of the whole gateway. */
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

/** As a shell would read it: what is empty, or has blanks in it, is seen to be one word. */
export function commandWords(command: readonly string[]): string {
  return command.map(asShellWord).join(' ')
}

/** Quoted where a shell would take it for something else; a character that would steer the terminal is spelled out. */
function asShellWord(word: string): string {
  if (/^[\w@%+=:,./{}-]+$/.test(word)) return word
  const quoted = word.replaceAll("'", "'\\''")
  if (!/\p{Cc}/u.test(word)) return `'${quoted}'`
  const spelled = word.replaceAll('\\', '\\\\').replaceAll("'", "\\'")
  return `$'${spelled.replaceAll(/\p{Cc}/gu, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`)}'`
}
