import { oneLine } from '../../shared/one-line.ts'
import { bad, type Check, good, unknown } from './check.ts'

/** The errors of the running Gatehouse. */
export const checkRunning: Check = async ({ running, domains }) => {
  if (!running) return [unknown('no gatehouse is running here, so its errors are not known')]
  const { lastError, failures, stopgap } = running
  if (lastError !== undefined)
    return [
      bad(
        `the running gatehouse failed ${failures === 1 ? 'once' : `${failures} times`}: ${oneLine(lastError)}`,
        `fix what the CA reports, then run \`gatehouse certs renew ${domains[0]}\``,
      ),
    ]
  if (stopgap)
    return [unknown('the running gatehouse serves a certificate of its internal CA, and has reported no error yet')]
  return [good('the running gatehouse reports no error')]
}
