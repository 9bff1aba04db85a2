/** Ports of a service: the one it listens on in its container, and published ones. */

import { hasVariable } from '../marked.ts'
import { portOf } from '../merge/known-port.ts'
import type { Report } from '../reports.ts'
import type { Fields } from './fields.ts'
import { itemsOf, textsOf } from './lists.ts'
import type { Node } from './tree.ts'

/** The port in its container, if there is only one; published ports are reported. */
export function portOfService(fields: Fields, words: readonly string[], report: Report): number | undefined {
  const environmentPort = itemsOf(fields, 'environment').find(({ name }) => name === 'PORT')?.value
  const targets = [
    ...publishedPorts(fields.node('ports'), report),
    ...textsOf(fields.node('expose')).map(({ value }) => value),
  ]
  const known = new Set(targets.flatMap((target) => (hasVariable(target) ? [] : [Number(/^\d+/.exec(target)?.[0])])))
  const [port, ...others] = known
  if (port === undefined) return portOf(words, environmentPort)
  return others.length === 0 && port > 0 && port <= 65_535 ? port : undefined
}

function publishedPorts(node: Node | undefined, report: Report): readonly string[] {
  if (node?.kind !== 'list') return []
  return node.items.flatMap((item) => {
    const written = item.kind === 'scalar' ? item.text : ''
    const target =
      item.kind === 'mapping' ? textsOf(item.entries.get('target')?.value)[0]?.value : written.split(':').at(-1)
    const isPublished = item.kind === 'mapping' ? item.entries.has('published') : written.includes(':')
    if (isPublished)
      report(item.at, 'untranslated', 'programs publish no ports: route to it, or publish a port of the container')
    const protocol =
      item.kind === 'mapping' ? textsOf(item.entries.get('protocol')?.value)[0]?.value : /\/(\w+)$/.exec(written)?.[1]
    return target === undefined || protocol === 'udp' ? [] : [target]
  })
}
