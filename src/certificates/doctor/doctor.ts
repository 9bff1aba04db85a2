/** Why is there no certificate? All checks of one certificate, in the order in which a person would make them. */
import { checkAccount, checkClock, checkDirectory } from './acme-server.ts'
import { checkAddresses } from './addresses.ts'
import { checkCaa } from './caa.ts'
import { type Check, type CheckContext, type Finding, good } from './check.ts'
import { checkHttpPort, checkHttpsPort } from './reach.ts'
import { checkRunning } from './running.ts'
import { checkStorage } from './storage.ts'

const checks: readonly Check[] = [
  checkRunning,
  checkAddresses,
  checkHttpPort,
  checkHttpsPort,
  checkCaa,
  checkDirectory,
  checkAccount,
  checkClock,
  checkStorage,
]

const checksOfInternal: readonly Check[] = [checkRunning, checkIssuer, checkStorage]

async function checkIssuer({ domains }: CheckContext): Promise<readonly Finding[]> {
  return [good(`the internal CA issues it for ${domains.join(', ')}: it needs neither DNS nor open ports`)]
}

/** Never rejects; takes some seconds if something does not answer. */
export async function runChecks(context: CheckContext): Promise<readonly Finding[]> {
  return (await Promise.all((context.isInternal ? checksOfInternal : checks).map((check) => check(context)))).flat()
}
