import type { SourcePosition } from '../../../config/diagnostics.ts'
import { hostsOverlap } from '../../../shared/net/address-overlap.ts'
import { type Asked, type Check, keyAt, valueAt } from '../../resolve/plan-context.ts'

interface Occupant {
  readonly name: string
  readonly host?: string
  readonly port: number
  readonly at: SourcePosition
}

/** Two cannot listen on one address; the later of them in the file is told. */
export const addresses: Check = (asked, report) => {
  const occupants = [...listeningProcesses(asked), ...listeners(asked), ...metrics(asked)].sort(inFileOrder)
  for (const [index, later] of occupants.entries()) {
    const earlier = occupants.slice(0, index).find((other) => clash(other, later))
    if (!earlier) continue
    report({
      code: 'address-clash',
      at: later.at,
      message: `${later.name} and ${earlier.name} (line ${earlier.at.line}) would listen on the same port`,
      mend: 'give one of them another port',
    })
  }
}

function listeningProcesses(asked: Asked): readonly Occupant[] {
  return Object.entries(asked.config.processes).flatMap(([name, { port }]) => {
    if (port === undefined) return []
    const at = valueAt(asked, ['processes', name, 'port'])
    return [{ name: `process \`${name}\``, host: '127.0.0.1', port, at }]
  })
}

function listeners(asked: Asked): readonly Occupant[] {
  return asked.listeners.map(({ name, host, port, path }) => {
    const at = asked.config.gateway.listeners[name] ? valueAt(asked, [...path, 'address']) : keyAt(asked, path)
    return { name: `listener \`${name}\``, host, port, at }
  })
}

function metrics(asked: Asked): readonly Occupant[] {
  const { metrics } = asked.config
  if (!metrics) return []
  return [{ name: '`metrics`', ...metrics.address, at: valueAt(asked, ['metrics', 'address']) }]
}

function clash(a: Occupant, b: Occupant): boolean {
  return a.port !== 0 && a.port === b.port && hostsOverlap(a.host, b.host)
}

function inFileOrder(a: Occupant, b: Occupant): number {
  return a.at.line - b.at.line || a.at.column - b.at.column
}
