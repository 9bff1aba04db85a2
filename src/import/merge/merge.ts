/**
 * Merges several readings into one configuration. Of two entries with one name the first stays; the second is reported.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Origin, PlacedReading } from '../placed.ts'
import { type Comment, type Finding, type Fragment, isEntries, type Reading, type Value } from '../reading.ts'
import { isSame } from './same.ts'

export interface ReadFile {
  /** The path as given. */
  readonly file: string
  readonly reading: Reading & Partial<PlacedReading>
}

export interface Merged {
  readonly config: Fragment
  readonly comments: readonly Comment[]
  readonly findings: readonly Finding[]
  readonly places: readonly Origin[]
}

/** In the order of our file. */
const sections = [
  'environment',
  'gateway',
  'users',
  'upstreams',
  'processes',
  'certificates',
  'storage',
  'control',
  'shutdown',
  'log',
  'metrics',
] as const satisfies readonly (keyof Fragment)[]

export function merge(files: readonly ReadFile[]): Merged {
  const merging = new Merging()
  for (const file of files) merging.add(file)
  return merging.result()
}

export function inSectionOrder(config: Fragment): Fragment {
  return Object.fromEntries(sections.flatMap((key) => (config[key] === undefined ? [] : [[key, config[key]]])))
}

type Path = readonly (string | number)[]

class Merging {
  readonly #config: Record<string, Value> = {}
  readonly #comments: Comment[] = []
  readonly #findings: Finding[] = []
  readonly #places: Origin[] = []

  add({ file, reading }: ReadFile): void {
    const moves: Move[] = []
    this.#findings.push(...reading.findings)
    for (const section of sections) {
      const value = reading.config[section]
      if (value === undefined) continue
      const refuse = (path: Path) => this.#refuse(path, placeOf(path, reading.places, file))
      const { value: joined, moves: moved } = join(
        { path: [section], before: this.#config[section], added: value },
        refuse,
      )
      this.#config[section] = joined
      moves.push(...moved)
    }
    const moved = <T extends { readonly path: Path }>(one: T): T[] => {
      const path = move(one.path, moves)
      return path ? [{ ...one, path }] : []
    }
    this.#comments.push(...reading.comments.flatMap(moved))
    this.#places.push(...(reading.places ?? []).flatMap(moved))
  }

  result(): Merged {
    return { config: this.#config, comments: this.#comments, findings: this.#findings, places: this.#places }
  }

  #refuse(path: Path, at: Origin['at']): void {
    const earlier = this.#places.find((place) => isDeepStrictEqual(place.path, path))?.at
    const where = earlier ? `${earlier.file}:${earlier.line}` : 'an earlier file'
    const message = `\`${path.join('.')}\` is left out: ${where} says something else`
    this.#findings.push({ ...at, severity: 'untranslated', message })
  }
}

/** Paths below `from` moved to another index, or were dropped with their entry. */
interface Move {
  readonly from: Path
  readonly to: Path | undefined
}

interface Joined {
  readonly path: Path
  readonly before: Value | undefined
  readonly added: Value
}

/** Concatenates lists and merges mappings, down to named entries. */
function join({ path, before, added }: Joined, refuse: (path: Path) => void): { value: Value; moves: readonly Move[] } {
  if (before === undefined || isSame(before, added)) return { value: before ?? added, moves: [] }
  if (Array.isArray(before) && Array.isArray(added)) {
    const moves = added.map((_, index) => ({ from: [...path, index], to: [...path, before.length + index] }))
    return { value: [...before, ...added], moves }
  }
  if (!isEntries(before) || !isEntries(added) || isEntry(path)) {
    refuse(path)
    return { value: before, moves: [{ from: path, to: undefined }] }
  }
  const value: Record<string, Value> = { ...before }
  const moves = Object.entries(added).flatMap(([key, part]) => {
    const joined = join({ path: [...path, key], before: before[key], added: part }, refuse)
    value[key] = joined.value
    return joined.moves
  })
  return { value, moves }
}

/** A process, an upstream, a user or a listener is never merged from two files. */
function isEntry(path: Path): boolean {
  const [section, second] = path
  if (section === 'gateway') return path.length === 3 && second === 'listeners'
  return path.length === 2 && (section === 'processes' || section === 'upstreams' || section === 'users')
}

function move(path: Path, moves: readonly Move[]): Path | undefined {
  const found = moves.find(({ from }) => from.every((part, index) => path[index] === part))
  if (!found) return path
  return found.to && [...found.to, ...path.slice(found.from.length)]
}

function placeOf(path: Path, places: readonly Origin[] | undefined, file: string): Origin['at'] {
  const nearest = places
    ?.filter((place) => place.path.every((part, index) => path[index] === part))
    .sort((a, b) => b.path.length - a.path.length)[0]
  return nearest?.at ?? { file, line: 1, column: 1 }
}
