import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import { messageOf } from '../../shared/errors.ts'
import { bad, type Check, type Finding, forEachName, good, unknown } from './check.ts'
import type { Names } from './names.ts'

/** Does the name resolve to us? */
export const checkAddresses: Check = (patient) => forEachName(patient, (name) => look(name, patient.names))

async function look(name: string, names: Names): Promise<readonly Finding[]> {
  if (name.startsWith('*.')) return [unknown(`${name} is a wildcard: any name below it may have addresses of its own`)]
  let found: readonly string[]
  try {
    found = await addressesOf(name, names)
  } catch (error) {
    return [unknown(`${name} could not be looked up: the DNS does not answer (${messageOf(error)})`)]
  }
  if (found.length === 0)
    return [
      bad(`${name} has no address in the DNS`, 'add an A or AAAA record that leads here, at whoever hosts the DNS'),
    ]
  const foreign = found.filter((address) => !ownAddresses().has(address))
  const all = found.join(', ')
  if (foreign.length === 0) return [good(`${name} leads here: ${all}`)]
  if (foreign.length === found.length)
    return [
      unknown(
        `${name} leads to ${all}, which this machine does not have`,
        'right behind a balancer, NAT or a container network, if its ports are passed on to us; else mend the record',
      ),
    ]
  const hint = 'CAs try IPv6 first, and any of the addresses: take out the record that does not lead to us'
  return [unknown(`${name} leads to ${all}, of which ${foreign.join(', ')} is not of this machine`, hint)]
}

/** An address is its own; names are asked for. Rejects if the DNS does not answer. */
export async function addressesOf(name: string, names: Names): Promise<readonly string[]> {
  return isIP(name) === 0 ? names.addresses(name) : [name]
}

function ownAddresses(): ReadonlySet<string> {
  return new Set(Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address)))
}
