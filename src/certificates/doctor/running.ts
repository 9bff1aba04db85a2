import { oneLine } from '../../shared/one-line.ts'
import { bad, type Check, good, unknown } from './check.ts'

/** The errors of the running Gatehouse. */
export const checkRunning: Check = async ({ running, domains, isInternal }) => {
  if (!running) return [unknown('no gatehouse is running here, so its errors are not known')]
  const { lastError, failures, fallback, notBefore = 0, notAfter } = running
  const now = Date.now()
  const renew = isInternal ? 'reload gatehouse' : `run \`gatehouse certs renew ${domains[0]}\``
  if (notBefore > now)
    return [
      bad(
        `the running gatehouse serves a certificate that is not valid before ${new Date(notBefore).toISOString()}`,
        `set the clock of this machine; if it is right now, ${renew}`,
      ),
    ]
  if (notAfter <= now && lastError === undefined)
    return [
      bad(`the running gatehouse serves a certificate that expired on ${new Date(notAfter).toISOString()}`, renew),
    ]
  if (lastError !== undefined)
    return [
      bad(
        `the running gatehouse failed ${failures === 1 ? 'once' : `${failures} times`}: ${oneLine(lastError)}`,
        `fix what the CA reports, then ${renew}`,
      ),
    ]
  if (fallback)
    return [unknown('the running gatehouse serves a certificate of its internal CA, and has reported no error yet')]
  return [good('the running gatehouse reports no error')]
}
