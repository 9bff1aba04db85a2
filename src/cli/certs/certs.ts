import type { Verb } from '../verb.ts'
import { addDoctorVerb } from './doctor.ts'
import { addListVerb } from './list.ts'
import { addRenewVerb } from './renew.ts'
import { addTrustVerb } from './trust.ts'

const help = `
Gatehouse gets and renews certificates by itself; these are for looking, and for the day on which it cannot.

  gatehouse certs list                       what serves, until when, when the next one is asked for, what went wrong
  gatehouse certs doctor                     why there is no certificate: DNS, ports, CAA, storage, clock, the CA
  gatehouse certs renew app.example.com      a new one now, whether it is due or not
  gatehouse certs trust                      how to trust the internal CA, in each system's own words`

/** The verbs below `gatehouse certs`. */
export const certsVerb: Verb = (program, terminal, end) => {
  const certs = program.command('certs').description('look at certificates, renew them, find out why there is none')
  certs.addHelpText('after', help)
  for (const add of [addListVerb, addDoctorVerb, addRenewVerb, addTrustVerb]) add(certs, terminal, end)
}
