/**
 * `environment:` blocks, of the file and of each process. Unlike anything else they are read line by line: files first,
 * then `set` in its order, each value seeing what came before it.
 */
import { resolve } from 'node:path'
import { parse } from 'dotenv'
import { isMap } from 'yaml'
import { messageOf } from '../shared/errors.ts'
import { derive } from './derive.ts'
import {
  type EvaluateMapping,
  type Evaluation,
  evaluateEntries,
  evaluateEntry,
  type Outcome,
  type Place,
} from './evaluate.ts'
import type { Variables } from './interpolate.ts'
import { deepest, type Located, nameAt, plainValue } from './located.ts'
import { derivedValueSchema } from './schema/derived-value.ts'
import type { YamlEntry } from './yaml-source.ts'

/** The variables of one block: `set` wins over `files`. */
export interface EnvironmentLayers {
  readonly files: Variables
  readonly set: Variables
}

/** Evaluates such a block; `finished` gets its variables. `over` lays its files and the variables around it together. */
export function environmentEvaluator(
  over: (files: Variables, around: Variables) => Variables,
  finished: (layers: EnvironmentLayers) => void,
): EvaluateMapping {
  return (evaluation, mapping, place) => {
    let files: Variables = {}
    let filesOutcome: Outcome | undefined
    const evaluateFiles = (entry: YamlEntry): Outcome => {
      filesOutcome ??= evaluateEntry(evaluation, entry, place)
      if (typeof filesOutcome !== 'string') files = readFiles(evaluation, filesOutcome)
      return filesOutcome
    }
    let set: Variables = {}
    const outcome = evaluateEntries(evaluation, mapping, place, (entry, siblings) => {
      if (entry.key === 'files') return filesOutcome ?? evaluateFiles(entry)
      if (entry.key !== 'set') return evaluateEntry(evaluation, entry, place)
      // `set` sees what the files say, even if it is written above them.
      const filesEntry = siblings.find(({ key }) => key === 'files')
      if (filesEntry && filesOutcome === undefined) evaluateFiles(filesEntry)
      const evaluated = evaluateSet(evaluation, entry, { ...place, variables: over(files, place.variables) })
      set = evaluated.set
      return evaluated.outcome
    })
    finished({ files, set })
    return outcome
  }
}

/** The container's own variables win over its files; an empty one is not set, and so wins over nothing. */
export function containerOverFiles(files: Variables, container: Variables): Variables {
  const present = Object.entries(container).filter(([, value]) => value !== '')
  return { ...container, ...files, ...Object.fromEntries(present) }
}

/** A process's files are nearer to it than what is said for all. */
export function filesOverShared(files: Variables, shared: Variables): Variables {
  return { ...shared, ...files }
}

function evaluateSet(evaluation: Evaluation, entry: YamlEntry, place: Place): { outcome: Outcome; set: Variables } {
  const set: Record<string, string> = {}
  const mapping = entry.value && evaluation.source.follow(entry.value, place.path.length)
  if (!isMap(mapping)) return { outcome: evaluateEntry(evaluation, entry, place), set }
  const path = [...place.path, entry.key]
  const outcome = evaluateEntries(evaluation, mapping, { ...place, path }, (line) => {
    const value = evaluateEntry(evaluation, line, { path, variables: { ...place.variables, ...set } })
    if (typeof value === 'string') return value
    if (value.kind === 'scalar' && value.value !== null) set[line.key] = value.value
    const derived =
      value.kind === 'mapping' ? derivedFrom(evaluation, value, { ...place.variables, ...set }) : undefined
    if (derived !== undefined) set[line.key] = derived
    return value
  })
  return { outcome, set }
}

/** Undefined: nothing is set. What is wrong in its form is left for the schema to report. */
function derivedFrom(
  { directory, facts, report }: Evaluation,
  written: Located,
  variables: Variables,
): string | undefined {
  const wish = derivedValueSchema.safeParse(plainValue(written))
  if (!wish.success) return undefined
  try {
    return derive(wish.data, { variables, directory, facts })
  } catch (error) {
    const { node } = deepest(written, ['json'])
    const why = error instanceof SyntaxError ? 'is not JSON' : `cannot be read: ${reason(error)}`
    report({
      code: 'wrong-value',
      at: node.at,
      message: `file ${nameAt(written, ['json'])} ${why}`,
      mend: 'correct the file, or the path',
    })
    return undefined
  }
}

/** Later files win over earlier ones. Whatever is not `[{ path }]` is left for the schema to report. */
function readFiles({ directory, facts, report }: Evaluation, files: Located): Variables {
  if (files.kind !== 'list') return {}
  let variables: Variables = {}
  for (const item of files.items) {
    const { node, steps } = deepest(item, ['path'])
    if (steps !== 1 || node.kind !== 'scalar' || !node.value) continue
    const path = resolve(directory, node.value)
    const name = nameAt(item, ['path'])
    const problem = (message: string, mend: string) => report({ code: 'missing-file', at: node.at, message, mend })
    const kind = facts.kindOf(path)
    if (kind === 'absent') {
      problem(`environment file ${name} does not exist`, 'create it, or guard it with `when: { file: ... }`')
    } else if (kind === 'directory') {
      problem(`environment file ${name} is a folder`, 'name a file of lines `NAME=value`')
    } else {
      try {
        variables = { ...variables, ...parse(facts.read(path)) }
      } catch (error) {
        problem(`environment file ${name} cannot be read: ${reason(error)}`, 'let Gatehouse read it')
      }
    }
  }
  return variables
}

// Node's message repeats the path, which may hold the value of a variable; the code alone does not.
function reason(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : messageOf(error)
}
