import { oneLine } from '../../shared/one-line.ts'
import { bad, type Check, good, unknown } from './check.ts'

/** What the Gatehouse that runs has met with. */
export const checkRunning: Check = async ({ running, domains }) => {
  if (!running) return [unknown('no gatehouse runs here that could tell what it has tried')]
  const { lastError, failures, stopgap } = running
  if (lastError !== undefined)
    return [
      bad(
        `the running gatehouse tried ${failures === 1 ? 'once' : `${failures} times`} in vain: ${oneLine(lastError)}`,
        `mend what the CA names, then \`gatehouse certs renew ${domains[0]}\``,
      ),
    ]
  if (stopgap)
    return [unknown('the running gatehouse serves with a certificate of its own CA, and has met no error yet')]
  return [good('the running gatehouse has met no error')]
}
