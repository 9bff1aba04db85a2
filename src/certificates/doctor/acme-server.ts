/** Can the ACME server be reached and trusted, does the clock agree with its own, does it require an account? */
import { formatDuration, type Milliseconds } from '../../shared/time/duration.ts'
import { bad, type Check, good, unknown } from './check.ts'

/** CAs and browsers tolerate a few minutes. */
const clockTolerance: Milliseconds = 120_000

export const checkDirectory: Check = async ({ acme }) => {
  if (!acme) return []
  const { host, problem } = await acme.directory()
  if (problem === undefined) return [good(`the CA's directory at ${host} answers and is trusted`)]
  const isDistrust = /certificate|self-signed|issuer/i.test(problem)
  const hint = isDistrust
    ? 'if this CA is your own, set `trust:` to a PEM file with its root; if not, the connection is intercepted'
    : 'check the firewall, the proxy (HTTPS_PROXY) and the DNS of this machine'
  return [bad(`cannot use the CA's directory at ${host}: ${problem}`, hint)]
}

export const checkClock: Check = async ({ acme }) => {
  if (!acme) return []
  const { host, ahead } = await acme.directory()
  if (ahead === undefined) return [unknown('cannot compare the clock: the CA sends no time')]
  const off = `${formatDuration(Math.abs(ahead))} ${ahead > 0 ? 'behind' : 'ahead of'}`
  if (Math.abs(ahead) <= clockTolerance) return [good(`the clock agrees with that of ${host}`)]
  return [
    bad(`the clock here is ${off} that of ${host}`, 'set the clock of the host (a container has none of its own)'),
  ]
}

export const checkAccount: Check = async ({ acme }) => {
  if (!acme) return []
  const { host, requiresAccount, problem } = await acme.directory()
  if (problem !== undefined || !requiresAccount) return []
  if (acme.plan.externalAccount) return [good(`${host} requires an external account, and \`externalAccount\` is set`)]
  const hint = 'set `externalAccount: { keyId, hmac }` to the values that your account there shows'
  return [bad(`${host} requires an external account, and \`externalAccount\` is not set`, hint)]
}
