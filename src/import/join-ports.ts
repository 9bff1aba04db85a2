/**
 * A proxy that knew only `localhost:8080` meets the program that listens there: its routes lead to the process, so that they know
 * whether it is starting, ready or gone.
 */
import type { Merged } from './merge.ts'
import type { Entries, Finding, Value } from './reading.ts'

/** Processes by the name of the container in which they were. */
export type Hosts = Readonly<Record<string, string>>

/** With `port` given to each process that a route leads to. Routes that no process answers keep their address. */
export function joinPorts(merged: Merged, hosts: Hosts): Merged {
  const { config, findings, places } = merged
  const routes = config.gateway?.routes
  if (!Array.isArray(routes)) return merged
  const processes = config.processes ?? {}
  const names = namesByPort(processes)
  const led = new Map<string, number>()
  const joined = routes.map((route: Value) => {
    const address = addressOf(route)
    if (!address) return route
    const named = Object.hasOwn(hosts, address.host) ? hosts[address.host] : undefined
    const [local, ...others] = isLocal(address.host) ? (names.get(address.port) ?? []) : []
    const name = named ?? (others.length === 0 ? local : undefined)
    if (name === undefined) return route
    const port = led.get(name) ?? portOf(processes[name]) ?? address.port
    // A second port of the same program: its containers are one now.
    if (port !== address.port && named !== undefined)
      return { ...address.route, to: `http://127.0.0.1:${address.port}` }
    led.set(name, address.port)
    return { ...address.route, to: name }
  })
  const told = [...led].map(([name, port]): Finding => {
    const at = places.find(({ path }) => path.length === 2 && path[1] === name)?.at ?? { file: '', line: 1, column: 1 }
    return {
      ...at,
      severity: 'note',
      message: `routes to port ${port} lead to \`${name}\`, which finds it in PORT too`,
    }
  })
  return {
    ...merged,
    config: { ...config, gateway: { ...config.gateway, routes: joined }, ...withPorts(processes, led) },
    findings: [...findings, ...told],
  }
}

/** The port of a route to this machine without TLS: what a process would answer. */
export function localPort(route: Value): number | undefined {
  const address = addressOf(route)
  return address && isLocal(address.host) ? address.port : undefined
}

function namesByPort(processes: Entries): ReadonlyMap<number, readonly string[]> {
  const names = new Map<number, string[]>()
  for (const [name, process] of Object.entries(processes)) {
    const port = portOf(process)
    if (port !== undefined) names.set(port, [...(names.get(port) ?? []), name])
  }
  return names
}

function withPorts(processes: Entries, led: ReadonlyMap<string, number>): { readonly processes?: Entries } {
  if (led.size === 0) return {}
  const changed = Object.entries(processes).map(([name, process]) => {
    const port = led.get(name)
    const { command, ...rest } = process as Entries
    // Behind the command, where people look for it.
    return [name, port === undefined || command === undefined ? process : { command, port, ...rest }]
  })
  return { processes: Object.fromEntries(changed) }
}

function portOf(process: Value | undefined): number | undefined {
  if (!isMapping(process)) return undefined
  const { port, ready } = process
  if (typeof port === 'number') return port
  return isMapping(ready) && typeof ready.tcp === 'number' ? ready.tcp : undefined
}

function addressOf(
  route: Value,
): { readonly route: Entries; readonly host: string; readonly port: number } | undefined {
  if (!isMapping(route) || typeof route.to !== 'string') return undefined
  const [, host = '', digits] = /^http:\/\/([\w.-]+):(\d{1,5})\/?$/.exec(route.to) ?? []
  return digits === undefined ? undefined : { route, host, port: Number(digits) }
}

function isLocal(host: string): boolean {
  return host === 'localhost' || host === '127.0.0.1'
}

function isMapping(value: Value | undefined): value is Entries {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
