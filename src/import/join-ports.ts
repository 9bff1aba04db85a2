/**
 * A proxy that knew only `localhost:8080` meets the program that listens there: its routes lead to the process, so that they know
 * whether it is starting, ready or gone.
 */
import type { Merged } from './merge.ts'
import type { Entries, Finding, Fragment, Value } from './reading.ts'

/** With `port` given to each process that a route leads to. Routes that no process answers keep their address. */
export function joinPorts({ config, comments, findings, places }: Merged): Merged {
  const processes = config.processes ?? {}
  const names = new Map<number, string[]>()
  for (const [name, process] of Object.entries(processes)) {
    const port = knownPort(process)
    if (port !== undefined) names.set(port, [...(names.get(port) ?? []), name])
  }
  const routes = config.gateway?.routes
  if (!Array.isArray(routes)) return { config, comments, findings, places }
  const led = new Map<string, number>()
  const joined = routes.map((route: Value) => {
    const port = localPort(route)
    const [name, ...others] = port === undefined ? [] : (names.get(port) ?? [])
    if (port === undefined || name === undefined || others.length > 0) return route
    led.set(name, port)
    return { ...(route as Entries), to: name }
  })
  const told = [...led].map(([name, port]): Finding => {
    const at = places.find(({ path }) => path.length === 2 && path[1] === name)?.at ?? nowhere
    return {
      ...at,
      severity: 'note',
      message: `routes to port ${port} lead to \`${name}\`, which finds it in PORT too`,
    }
  })
  const gateway: Entries = { ...config.gateway, routes: joined }
  return {
    config: { ...config, gateway, ...withPorts(processes, led) },
    comments,
    places,
    findings: [...findings, ...told],
  }
}

const nowhere = { file: '', line: 1, column: 1 }

function withPorts(processes: Entries, led: ReadonlyMap<string, number>): Pick<Fragment, 'processes'> {
  if (led.size === 0) return {}
  const changed = Object.entries(processes).map(([name, process]) => {
    const port = led.get(name)
    const { command, ...rest } = process as Entries
    // Behind the command, where people look for it.
    return [name, port === undefined || command === undefined ? process : { command, port, ...rest }]
  })
  return { processes: Object.fromEntries(changed) }
}

function knownPort(process: Value): number | undefined {
  if (!isMapping(process)) return undefined
  const { port, ready } = process
  if (typeof port === 'number') return port
  return isMapping(ready) && typeof ready.tcp === 'number' ? ready.tcp : undefined
}

/** Of a route to this machine without TLS: what a process would answer. */
export function localPort(route: Value): number | undefined {
  if (!isMapping(route) || typeof route.to !== 'string') return undefined
  const [, digits] = /^http:\/\/(?:localhost|127\.0\.0\.1):(\d{1,5})\/?$/.exec(route.to) ?? []
  return digits === undefined ? undefined : Number(digits)
}

function isMapping(value: Value | undefined): value is Entries {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
