import type { SourcePosition } from '../../../config/diagnostics.ts'
import { hostsOverlap } from '../../../shared/net/address-overlap.ts'
import { type Check, keyPosition, type PlanContext, valuePosition } from '../../resolve/plan-context.ts'

interface Occupant {
  readonly name: string
  readonly host?: string
  readonly port: number
  readonly at: SourcePosition
}

/** Two cannot listen on one address; the later one in the file is reported. */
export const addresses: Check = (context, report) => {
  const occupants = [...listeningProcesses(context), ...listeners(context), ...metrics(context)].sort(inFileOrder)
  for (const [index, later] of occupants.entries()) {
    const earlier = occupants.slice(0, index).find((other) => clash(other, later))
    if (!earlier) continue
    report({
      code: 'address-clash',
      at: later.at,
      message: `${later.name} and ${earlier.name} (line ${earlier.at.line}) would listen on the same port`,
      hint: 'give one of them another port',
    })
  }
}

function listeningProcesses(context: PlanContext): readonly Occupant[] {
  return Object.entries(context.config.processes).flatMap(([name, { port }]) => {
    if (port === undefined) return []
    const at = valuePosition(context, ['processes', name, 'port'])
    return [{ name: `process \`${name}\``, host: '127.0.0.1', port, at }]
  })
}

function listeners(context: PlanContext): readonly Occupant[] {
  return context.listeners.map(({ name, host, port, path }) => {
    const at = context.config.gateway.listeners[name]
      ? valuePosition(context, [...path, 'address'])
      : keyPosition(context, path)
    return { name: `listener \`${name}\``, host, port, at }
  })
}

function metrics(context: PlanContext): readonly Occupant[] {
  const { metrics } = context.config
  if (!metrics) return []
  return [{ name: '`metrics`', ...metrics.address, at: valuePosition(context, ['metrics', 'address']) }]
}

function clash(a: Occupant, b: Occupant): boolean {
  return a.port !== 0 && a.port === b.port && hostsOverlap(a.host, b.host)
}

function inFileOrder(a: Occupant, b: Occupant): number {
  return a.at.line - b.at.line || a.at.column - b.at.column
}
