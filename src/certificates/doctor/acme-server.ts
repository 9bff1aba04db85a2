/** Can the ACME server be reached and trusted, does the clock agree with its own, does it require an account? */
import { formatDuration, type Milliseconds } from '../../shared/time/duration.ts'
import { bad, type Check, good, unknown } from './check.ts'

/** Tokens and certificates are made for the clocks of others: a few minutes are what CAs and browsers forgive. */
const clockTolerance: Milliseconds = 120_000

export const checkDirectory: Check = async ({ acme }) => {
  if (!acme) return []
  const { host, problem } = await acme.directory()
  if (problem === undefined) return [good(`the CA's directory at ${host} answers and is trusted`)]
  const isDistrust = /certificate|self-signed|issuer/i.test(problem)
  const hint = isDistrust
    ? 'if this CA is your own, set `trust:` to a PEM file with its root; if not, somebody is in between'
    : 'let this machine reach it: a firewall, a proxy (HTTPS_PROXY is obeyed) or the DNS is in the way'
  return [bad(`the CA's directory at ${host} is of no use: ${problem}`, hint)]
}

export const checkClock: Check = async ({ acme }) => {
  if (!acme) return []
  const { host, ahead } = await acme.directory()
  if (ahead === undefined) return [unknown('the clock could not be compared: the CA does not tell its time')]
  const off = `${formatDuration(Math.abs(ahead))} ${ahead > 0 ? 'behind' : 'ahead of'}`
  if (Math.abs(ahead) <= clockTolerance) return [good(`the clock agrees with that of ${host}`)]
  return [bad(`the clock here is ${off} that of ${host}`, 'set it right on the host (a container has none of its own)')]
}

export const checkAccount: Check = async ({ acme }) => {
  if (!acme) return []
  const { host, wantsAccount, problem } = await acme.directory()
  if (problem !== undefined || !wantsAccount) return []
  if (acme.plan.externalAccount) return [good(`${host} wants to know its customers, and \`externalAccount\` is set`)]
  const hint = 'set `externalAccount: { keyId, hmac }` as your account there shows them'
  return [bad(`${host} gives certificates to its customers only, and \`externalAccount\` is not set`, hint)]
}
