import { deepest } from '../../config/yaml/located.ts'
import type { PlanContext } from '../resolve/plan-context.ts'
import type { GraphNode } from './graph.ts'

/** Dependencies as written: a mistake elsewhere in an entry does not hide a cycle through it. */
export function dependencyGraph({ content }: PlanContext): readonly GraphNode[] {
  const { node: processes, steps } = deepest(content.written, ['processes'])
  if (steps === 0 || processes.kind !== 'mapping') return []
  return [...processes.entries].map(([name, { node }]) => {
    const { node: dependsOn, steps } = deepest(node, ['dependsOn'])
    return { name, needs: steps === 1 && dependsOn.kind === 'mapping' ? [...dependsOn.entries.keys()] : [] }
  })
}
