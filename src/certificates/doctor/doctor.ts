/** Why is there no certificate? All checks of one certificate, in the order in which a person would ask. */
import { checkAccount, checkClock, checkDirectory } from './acme-server.ts'
import { checkAddresses } from './addresses.ts'
import { checkCaa } from './caa.ts'
import { type Check, type Finding, good, type Patient } from './check.ts'
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

/** A certificate of our own CA needs no one from outside. */
const checksOfInternal: readonly Check[] = [checkRunning, checkIssuer, checkStorage]

async function checkIssuer({ domains }: Patient): Promise<readonly Finding[]> {
  return [good(`our own CA makes it for ${domains.join(', ')}: neither DNS nor open ports are needed`)]
}

/** Never rejects; takes some seconds where something does not answer. */
export async function examine(patient: Patient): Promise<readonly Finding[]> {
  return (await Promise.all((patient.isInternal ? checksOfInternal : checks).map((check) => check(patient)))).flat()
}
