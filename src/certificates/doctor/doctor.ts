/** Why is there no certificate? All checks of one certificate, in the order in which a person would ask. */
import { checkAddresses } from './addresses.ts'
import { checkCaa } from './caa.ts'
import type { Check, Finding, Patient } from './check.ts'
import { checkAccount, checkClock, checkDirectory } from './directory.ts'
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

/** Never rejects; takes some seconds where something does not answer. */
export async function examine(patient: Patient): Promise<readonly Finding[]> {
  return (await Promise.all(checks.map((check) => check(patient)))).flat()
}
