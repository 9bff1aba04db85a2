/** `priority`: the order in which supervisord spawns programs, waiting for none, and in which it stops them, waiting for each. */

export interface Ranked {
  readonly name: string
  /** Of the group, then of the program in it; undefined where no number is written: 999 by default is nobody's intention. */
  readonly rank: readonly number[] | undefined
}

/** Whom each waits for: those of the next lower number, who in turn wait for those below. */
export function predecessors(programs: readonly Ranked[]): ReadonlyMap<string, readonly string[]> {
  const classes = new Map<string, { readonly rank: readonly number[]; readonly names: string[] }>()
  for (const { name, rank } of programs) {
    if (!rank) continue
    const key = rank.join('.')
    const ranked = classes.get(key) ?? { rank, names: [] }
    ranked.names.push(name)
    classes.set(key, ranked)
  }
  const ascending = [...classes.values()].sort((a, b) => compare(a.rank, b.rank))
  return new Map(
    ascending.flatMap(({ names }, index) => {
      const before = ascending[index - 1]?.names ?? []
      return names.map((name): [string, readonly string[]] => [name, before])
    }),
  )
}

/** Those without a number last; of equals, in the order of the files. */
export function inStartOrder<T extends Ranked>(programs: readonly T[]): readonly T[] {
  return [...programs].sort(({ rank: a }, { rank: b }) => {
    if (!a || !b) return Number(!a) - Number(!b)
    return compare(a, b)
  })
}

function compare(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((number, index) => number !== b[index])
  return at === -1 ? a.length - b.length : (a[at] ?? 0) - (b[at] ?? -1)
}
