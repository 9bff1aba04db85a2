import type { CaaRecord } from 'node:dns'
import { Resolver } from 'node:dns/promises'

/** Questions to the DNS, as the CA would ask them: not by /etc/hosts, which it does not have. They reject if it does not answer. */
export interface Names {
  /** IPv4 first; empty if there is none. */
  addresses(name: string): Promise<readonly string[]>
  /** Of this very name. */
  caa(name: string): Promise<readonly CaaRecord[]>
}

const answerLimit = 3_000

/** `server`: `address` or `address:port`; default: the system's own. Throws if it is neither. */
export function createNames(server?: string): Names {
  const resolver = new Resolver({ timeout: answerLimit, tries: 2 })
  if (server !== undefined) resolver.setServers([server])
  return {
    async addresses(name) {
      return (await Promise.all([none(resolver.resolve4(name)), none(resolver.resolve6(name))])).flat()
    },
    caa: (name) => none(resolver.resolveCaa(name)),
  }
}

/** No such name, or nothing of this kind, is an answer. */
async function none<Item>(answer: Promise<readonly Item[]>): Promise<readonly Item[]> {
  try {
    return await answer
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENODATA' || code === 'ENOTFOUND') return []
    throw error
  }
}
