import type { CaaRecord } from 'node:dns'
import { Resolver } from 'node:dns/promises'

/** Queries to the DNS as the CA makes them, without /etc/hosts. They reject if the DNS does not answer. */
export interface Names {
  /** IPv4 first; empty if there is none. */
  addresses(name: string): Promise<readonly string[]>
  /** Of this name, not of its parents. */
  caa(name: string): Promise<readonly CaaRecord[]>
}

const answerLimit = 3_000

/** `server`: `address` or `address:port`; default: the system's. Throws if it is neither. */
export function createNames(server?: string): Names {
  const resolver = new Resolver({ timeout: answerLimit, tries: 2 })
  if (server !== undefined) resolver.setServers([server])
  return {
    async addresses(name) {
      return (await Promise.all([emptyIfNone(resolver.resolve4(name)), emptyIfNone(resolver.resolve6(name))])).flat()
    },
    caa: (name) => emptyIfNone(resolver.resolveCaa(name)),
  }
}

/** No such name and no such records are answers, too: an empty list. */
async function emptyIfNone<Item>(answer: Promise<readonly Item[]>): Promise<readonly Item[]> {
  try {
    return await answer
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENODATA' || code === 'ENOTFOUND') return []
    throw error
  }
}
