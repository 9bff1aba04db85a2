/** `priority`: the order in which supervisord starts programs, without waiting, and stops them, waiting for each. */

export interface Ranked {
  readonly name: string
  /** Of the group, then of the program in it; undefined without a number: the default of 999 expresses no intention. */
  readonly rank: readonly number[] | undefined
  /** It may exit for good, after which dependents could not restart. */
  readonly passing: boolean
}

/** What each program waits for: those of the next lower number. */
export function predecessors(programs: readonly Ranked[]): ReadonlyMap<string, readonly string[]> {
  const classes = new Map<string, { readonly rank: readonly number[]; readonly members: Ranked[] }>()
  for (const program of programs) {
    if (!program.rank) continue
    const key = program.rank.join('.')
    const ranked = classes.get(key) ?? { rank: program.rank, members: [] }
    ranked.members.push(program)
    classes.set(key, ranked)
  }
  const found = new Map<string, readonly string[]>()
  let before: readonly string[] = []
  for (const { members } of [...classes.values()].sort((a, b) => compare(a.rank, b.rank))) {
    for (const { name } of members) found.set(name, before)
    const staying = members.filter(({ passing }) => !passing).map(({ name }) => name)
    if (staying.length > 0) before = staying
  }
  return found
}

/** Sorts by rank, those without a number last; equal ones keep the order of the files. */
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
