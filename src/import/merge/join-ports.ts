/**
 * Connects routes to `localhost:8080` with the process that listens there, so that they know whether it is starting,
 * ready or gone.
 */

import { type Entries, type Finding, isEntries, type Value } from '../reading.ts'
import type { Merged } from './merge.ts'

/** Processes by the host name of their former container. */
export type Hosts = Readonly<Record<string, string>>

export interface Address {
  readonly host: string
  readonly port: number
}

/** Gives `port` to each process that a route leads to. Routes without a process keep their address. */
export function joinPorts(merged: Merged, hosts: Hosts): Merged {
  const { config, findings, places } = merged
  const routes = config.gateway?.routes
  if (!Array.isArray(routes)) return merged
  const processes = config.processes ?? {}
  const routedPorts = new Map<string, number>()
  const joined = routes.map((route: Value) => {
    const address = addressOf(route)
    if (!address) return route
    const name = processAt(processes, hosts, address)
    if (name === undefined) return route
    const port = routedPorts.get(name) ?? portOf(processes[name]) ?? address.port
    // A second port of the same program: a process has one `port`.
    if (port !== address.port) return { ...address.route, to: `http://127.0.0.1:${address.port}` }
    routedPorts.set(name, address.port)
    return { ...address.route, to: name }
  })
  const joinedNotes = [...routedPorts].map(([name, port]): Finding => {
    const at = places.find(({ path }) => path.length === 2 && path[1] === name)?.at ?? { file: '', line: 1, column: 1 }
    return {
      ...at,
      severity: 'note',
      message: `routes to port ${port} lead to \`${name}\`, which also gets it as PORT and is ready when it listens`,
    }
  })
  return {
    ...merged,
    config: { ...config, gateway: { ...config.gateway, routes: joined }, ...withPorts(processes, routedPorts) },
    findings: [...findings, ...joinedNotes],
  }
}

/** The process that listens there, if it is the only one. */
export function processAt(processes: Entries, hosts: Hosts, { host, port }: Address): string | undefined {
  if (Object.hasOwn(hosts, host)) return hosts[host]
  if (!isLocal(host)) return undefined
  const [name, ...others] = Object.keys(processes).filter((one) => portOf(processes[one]) === port)
  return others.length === 0 ? name : undefined
}

/** The port of a route to this machine without TLS. */
export function localPort(route: Value): number | undefined {
  const address = addressOf(route)
  return address && isLocal(address.host) ? address.port : undefined
}

function withPorts(processes: Entries, routedPorts: ReadonlyMap<string, number>): { readonly processes?: Entries } {
  if (routedPorts.size === 0) return {}
  const changed = Object.entries(processes).map(([name, process]) => {
    const port = routedPorts.get(name)
    return [name, port === undefined ? process : withPortProbe(withPort(process, port), port)]
  })
  return { processes: Object.fromEntries(changed) }
}

/** A process behind a route is ready only when it listens. */
function withPortProbe(process: Value, port: number): Value {
  return isEntries(process) && process.ready === undefined ? { ...process, ready: { tcp: port } } : process
}

/** Puts `port` after the command, where people look for it. */
export function withPort(process: Value, port: number): Value {
  if (!isEntries(process) || process.command === undefined) return process
  const { command, ...rest } = process
  return { command, port, ...rest }
}

function portOf(process: Value | undefined): number | undefined {
  if (!isEntries(process)) return undefined
  const { port, ready } = process
  if (typeof port === 'number') return port
  return isEntries(ready) && typeof ready.tcp === 'number' ? ready.tcp : undefined
}

/** The address of a `to` without TLS. */
export function addressOf(route: Value): (Address & { readonly route: Entries }) | undefined {
  if (!isEntries(route) || typeof route.to !== 'string') return undefined
  const [, host = '', digits] = /^http:\/\/([\w.-]+):(\d{1,5})\/?$/.exec(route.to) ?? []
  return digits === undefined ? undefined : { route, host, port: Number(digits) }
}

function isLocal(host: string): boolean {
  return host === 'localhost' || host === '127.0.0.1'
}
