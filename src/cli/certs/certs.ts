import type { Verb } from '../verb.ts'
import { addDoctorVerb } from './doctor.ts'
import { addListVerb } from './list.ts'
import { addRenewVerb } from './renew.ts'
import { addTrustVerb } from './trust.ts'

const help = `
Gatehouse gets and renews certificates automatically. These commands show their state, and help when that fails.

  gatehouse certs list                       issuer, expiry, next renewal and last error of each certificate
  gatehouse certs doctor                     find out why there is no certificate: DNS, ports, CAA, storage, clock, CA
  gatehouse certs renew app.example.com      get a new certificate now, whether it is due or not
  gatehouse certs trust                      print the commands that make a system trust the internal CA`

/** The verbs below `gatehouse certs`. */
export const certsVerb: Verb = (program, terminal, end) => {
  const certs = program.command('certs').description('show and renew certificates, find out why there is none')
  certs.addHelpText('after', help)
  for (const add of [addListVerb, addDoctorVerb, addRenewVerb, addTrustVerb]) add(certs, terminal, end)
}
