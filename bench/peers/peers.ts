import { installPackages } from '../../scripts/debian-parts.ts'
import { caddy, debianCaddy } from './caddy.ts'
import { gatehouse } from './gatehouse.ts'
import { haproxy } from './haproxy.ts'
import { nginx } from './nginx.ts'
import type { Found, Peer } from './site.ts'
import { caddyAndSupervisord } from './supervisord.ts'

/** All other servers are compared with the first one. */
const peers: readonly Peer[] = [caddy, debianCaddy, nginx, haproxy, caddyAndSupervisord]

/**
 * Gatehouse and the peers of these names (default: all) with their programs. Installs or builds what is missing where
 * it can; prints which peers are left out. Throws if a name is unknown.
 */
export function findContenders(
  names: readonly string[] = peers.map(({ name }) => name),
): (Found & { readonly peer: Peer })[] {
  const known = peers.map(({ name }) => name)
  const unknown = names.filter((name) => !known.includes(name))
  if (unknown.length > 0) throw new Error(`unknown peer ${unknown.join(', ')}; there are: ${known.join(', ')}`)
  const wanted = [gatehouse, ...peers.filter(({ name }) => names.includes(name))]
  const missing = wanted.filter((peer) => peer.find() === undefined)
  const packages = missing.flatMap((peer) => peer.package ?? [])
  if (packages.length > 0) installPackages(packages)
  return wanted.flatMap((peer) => {
    const found = peer.find()
    if (found === undefined) console.log(`${peer.name} is missing and left out`)
    return found === undefined ? [] : [{ ...found, peer }]
  })
}
