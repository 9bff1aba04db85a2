import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import { messageOf } from '../../shared/errors.ts'
import { bad, type Check, type Finding, forEachName, good, unknown } from './check.ts'
import type { Names } from './names.ts'

/** Does the name resolve to this machine? */
export const checkAddresses: Check = (context) => forEachName(context, (name) => look(name, context.names))

async function look(name: string, names: Names): Promise<readonly Finding[]> {
  if (name.startsWith('*.')) return [unknown(`${name} is a wildcard: any name below it may have addresses of its own`)]
  let found: readonly string[]
  try {
    found = await addressesOf(name, names)
  } catch (error) {
    return [unknown(`cannot look up ${name}: the DNS does not answer (${messageOf(error)})`)]
  }
  if (found.length === 0)
    return [bad(`${name} has no address in the DNS`, 'add an A or AAAA record that points here, at your DNS provider')]
  const foreign = found.filter((address) => !ownAddresses().has(address))
  const all = found.join(', ')
  if (foreign.length === 0) return [good(`${name} points here: ${all}`)]
  if (foreign.length === found.length)
    return [
      unknown(
        `${name} points to ${all}, which this machine does not have`,
        'fine behind a load balancer, NAT or a container network that forwards the ports to us; otherwise fix the record',
      ),
    ]
  const hint = 'CAs try IPv6 first, and may use any address: remove the record that does not point here'
  return [unknown(`${name} points to ${all}; this machine does not have ${foreign.join(', ')}`, hint)]
}

/** Of an address: itself. Rejects if the DNS does not answer. */
export async function addressesOf(name: string, names: Names): Promise<readonly string[]> {
  return isIP(name) === 0 ? names.addresses(name) : [name]
}

function ownAddresses(): ReadonlySet<string> {
  return new Set(Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address)))
}
