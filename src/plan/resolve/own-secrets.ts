/** Variables for Gatehouse itself: a program must not find the dashboard's password in its environment. */
import { variablesIn } from '../../config/environment/interpolate.ts'
import type { LoadedContent } from '../../config/load.ts'
import type { Located, LocatedEntry } from '../../config/yaml/located.ts'

/**
 * Where the file has a secret that only Gatehouse needs; `*` is any name or item. The address of a rate-limit store is
 * not among them: programs may share that server, and so the variable.
 */
const places: readonly (readonly string[])[] = [
  ['users', '*', 'password'],
  ['certificates', '*', 'use', '*', 'acme', 'externalAccount', 'hmac'],
  ['hooks', '*', 'url'],
]

/** Names of the variables used there. */
export function ownSecrets({ tree }: Pick<LoadedContent, 'tree'>): ReadonlySet<string> {
  return new Set(places.flatMap((place) => namesBelow(tree, place)))
}

/** The shared variables that programs see, before their own `environment` is applied. */
export function withoutSecrets(
  variables: Readonly<Record<string, string>>,
  secrets: ReadonlySet<string>,
): Readonly<Record<string, string>> {
  if (secrets.size === 0) return variables
  return Object.fromEntries(Object.entries(variables).filter(([name]) => !secrets.has(name)))
}

/** Those that `only` of a process names in full, even if they are secrets of Gatehouse; a pattern does not count. */
export function namedInFull(
  variables: Readonly<Record<string, string>>,
  only: readonly string[] = [],
): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(variables).filter(([name]) => only.includes(name)))
}

function namesBelow(node: Located, [step, ...rest]: readonly string[]): readonly string[] {
  if (step === undefined) return node.kind === 'scalar' ? variablesIn(node.written) : []
  return childrenOf(node, step).flatMap((child) => namesBelow(child, rest))
}

function childrenOf(node: Located, step: string): readonly Located[] {
  if (node.kind === 'list') return step === '*' ? node.items : []
  if (node.kind === 'scalar') return []
  const entries: readonly (LocatedEntry | undefined)[] =
    step === '*' ? [...node.entries.values()] : [node.entries.get(step)]
  return entries.flatMap((entry) => entry?.node ?? [])
}
