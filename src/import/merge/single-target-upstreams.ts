/**
 * Replaces an upstream whose only target is a process: its routes lead to the process, and its health check becomes the
 * readiness probe.
 */

import { type Entries, isEntries, type Value } from '../reading.ts'
import { addressOf, type Hosts, processAt, withPort } from './join-ports.ts'
import type { Merged } from './merge.ts'

interface SingleTarget {
  /** `http://localhost:8080`. */
  readonly target: string
  readonly process: string
  readonly port: number
  readonly ready: Entries | undefined
}

/** Routes get the address of the target; joinPorts then points them to the process. */
export function withoutSingleTargetUpstreams(merged: Merged, hosts: Hosts): Merged {
  const { upstreams = {}, processes = {}, gateway } = merged.config
  const single = new Map<string, SingleTarget>()
  for (const [name, upstream] of Object.entries(upstreams)) {
    const one = singleTargetOf(upstream, processes, hosts)
    if (one) single.set(name, one)
  }
  if (single.size === 0) return merged
  const { upstreams: _, ...rest } = merged.config
  const kept = Object.entries(upstreams).filter(([name]) => !single.has(name))
  const routes: readonly Value[] = Array.isArray(gateway?.routes) ? gateway.routes : []
  const byProcess = new Map([...single.values()].map((one) => [one.process, one]))
  const isGone = ({ path: [section, name] }: { readonly path: readonly (string | number)[] }) =>
    section === 'upstreams' && single.has(String(name))
  return {
    ...merged,
    config: {
      ...rest,
      gateway: { ...gateway, routes: routes.map((route) => withTarget(route, single)) },
      ...(kept.length > 0 && { upstreams: Object.fromEntries(kept) }),
      processes: Object.fromEntries(
        Object.entries(processes).map(([name, process]) => [name, withReady(process, byProcess.get(name))]),
      ),
    },
    comments: merged.comments.filter((comment) => !isGone(comment)),
    places: merged.places.filter((place) => !isGone(place)),
  }
}

function singleTargetOf(upstream: Value, processes: Entries, hosts: Hosts): SingleTarget | undefined {
  if (!isEntries(upstream) || !Array.isArray(upstream.targets) || upstream.tls !== undefined) return undefined
  const [target, ...others] = upstream.targets
  const address = others.length === 0 ? addressOf({ to: target }) : undefined
  if (!address || typeof target !== 'string') return undefined
  const process = processAt(processes, hosts, address)
  if (process === undefined) return undefined
  return {
    target,
    process,
    port: address.port,
    ready: isEntries(upstream.health) ? readyOf(upstream.health) : undefined,
  }
}

/** Keeps the number of failures that took the target out. */
function readyOf({ http, every, timeout, failures = 2 }: Entries): Entries | undefined {
  if (http === undefined) return undefined
  return { http, ...(every !== undefined && { every }), ...(timeout !== undefined && { timeout }), failures }
}

function withTarget(route: Value, single: ReadonlyMap<string, SingleTarget>): Value {
  if (!isEntries(route) || typeof route.to !== 'string') return route
  const target = single.get(route.to)?.target
  return target === undefined ? route : { ...route, to: target }
}

/** An existing probe wins, unless it only checks a port. */
function withReady(process: Value, single: SingleTarget | undefined): Value {
  if (!single?.ready || !isEntries(process) || (isEntries(process.ready) && process.ready.tcp === undefined))
    return process
  return withPort({ ...process, ready: single.ready }, single.port)
}
