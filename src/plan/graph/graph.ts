/** The dependency graph: the order of starting, the waves in it, and the cycles that make one impossible. */

/** A name and the names it needs; needs that are not in the graph count as met. */
export interface GraphNode {
  readonly name: string
  readonly needs: readonly string[]
}

/**
 * Names in an order in which each comes after all it needs; of those that could come next, the earliest in the list
 * does, so the file's order is kept where possible. What is in a cycle or needs one is left out.
 */
export function startOrder(nodes: readonly GraphNode[]): readonly string[] {
  const present = new Set(nodes.map((node) => node.name))
  const placed = new Set<string>()
  const waiting = [...nodes]
  for (;;) {
    const next = waiting.findIndex((node) => node.needs.every((need) => placed.has(need) || !present.has(need)))
    const [node] = next === -1 ? [] : waiting.splice(next, 1)
    if (!node) return [...placed]
    placed.add(node.name)
  }
}

/** Names grouped by when they can start: each wave needs only what is in earlier ones. Cycles are left out. */
export function startWaves(nodes: readonly GraphNode[]): readonly (readonly string[])[] {
  const byName = new Map(nodes.map((node) => [node.name, node]))
  const waveOf = new Map<string, number>()
  const waves: string[][] = []
  for (const name of startOrder(nodes)) {
    const needs = byName.get(name)?.needs ?? []
    const wave = 1 + Math.max(-1, ...needs.map((need) => waveOf.get(need) ?? -1))
    waveOf.set(name, wave)
    const names = waves[wave] ?? []
    names.push(name)
    waves[wave] = names
  }
  return waves
}

/** Cycles as paths that end where they begin (`['a', 'b', 'a']`): at least one for each strongly connected set. */
export function findCycles(nodes: readonly GraphNode[]): readonly (readonly string[])[] {
  const byName = new Map(nodes.map((node) => [node.name, node]))
  const finished = new Set<string>()
  const cycles: string[][] = []
  const visit = (name: string, path: readonly string[]): void => {
    const start = path.indexOf(name)
    if (start !== -1) {
      cycles.push([...path.slice(start), name])
      return
    }
    if (finished.has(name)) return
    for (const need of byName.get(name)?.needs ?? []) visit(need, [...path, name])
    finished.add(name)
  }
  for (const node of nodes) visit(node.name, [])
  return cycles
}
