import { deepest, isLost, type Located, type Path } from './yaml/located.ts'

/** The names that other places of the file refer to. */
export interface Names {
  readonly processes: ReadonlySet<string>
  readonly listeners: ReadonlySet<string>
  readonly upstreams: ReadonlySet<string>
}

export const sectionOf = {
  processes: ['processes'],
  listeners: ['gateway', 'listeners'],
  upstreams: ['upstreams'],
} as const satisfies Record<keyof Names, Path>

/** The names written in a section, valid or not; undefined if the section itself is invalid. */
export function namesWritten(tree: Located, section: Path): ReadonlySet<string> | undefined {
  const { node, steps } = deepest(tree, section)
  if (steps < section.length) return node.kind !== 'mapping' || isLost(tree, section) ? undefined : new Set()
  return node.kind === 'mapping' ? new Set([...node.entries.keys(), ...node.lost]) : undefined
}
