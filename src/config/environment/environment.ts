/**
 * `environment:` blocks, of the file and of each process. Unlike all other blocks they are evaluated in order: files
 * first, under the new names, then `set` line by line, each value seeing those before it, and `unset` last.
 */

import { type EvaluateMapping, evaluateEntries, evaluateEntry, type Outcome } from '../evaluate.ts'
import { filesSchema, unsetRuleSchema, unsetSchema } from '../schema/environment/environment.ts'
import { withShorthands } from '../shorthands.ts'
import { type Located, plainValue } from '../yaml/located.ts'
import type { YamlEntry } from '../yaml/yaml-source.ts'
import { type FilesRead, readFiles } from './environment-files.ts'
import { evaluateSet, type SetRead } from './environment-set.ts'
import type { Variables } from './interpolate.ts'
import { type Renamed, renamedFrom, reportConflicts, valuesOfOldNames, withNewNames } from './renamed-variables.ts'

/** The content of one block: `set` wins over `files`, and `unset` removes variables wherever they came from. */
export interface EnvironmentLayers {
  readonly files: Variables
  readonly set: Variables
  readonly unset: ReadonlySet<string>
}

interface EnvironmentBlock {
  /** Merges the files with the variables around the block. */
  over(files: Variables, around: Variables): Variables
  /** Called with the variables of the block. */
  finished(layers: EnvironmentLayers, toCreate: FilesRead['toCreate']): void
}

export function environmentEvaluator({ over, finished }: EnvironmentBlock): EvaluateMapping {
  return (evaluation, mapping, place) => {
    let renamed: Renamed = {}
    let files: FilesRead = { variables: {}, toCreate: [] }
    let set: SetRead = { variables: {}, without: new Set() }
    let unsetNames: readonly string[] = []
    const beforeSet = () => over(files.variables, withNewNames(place.variables, renamed))
    const evaluators: readonly [key: string, evaluate: (entry: YamlEntry) => Outcome][] = [
      [
        'renamed',
        (entry) => {
          const outcome = evaluateEntry(evaluation, entry, place)
          if (typeof outcome === 'string') return outcome
          renamed = renamedFrom(outcome)
          reportConflicts(place.variables, renamed, { name: 'the environment', at: outcome.at }, evaluation.report)
          return outcome
        },
      ],
      [
        'files',
        (entry) => {
          const outcome = evaluateEntry(evaluation, entry, place)
          if (typeof outcome !== 'string')
            files = readFiles(evaluation, withShorthands(filesSchema, outcome), { around: place.variables, renamed })
          return outcome
        },
      ],
      [
        'set',
        (entry) => {
          const { outcome, ...read } = evaluateSet(evaluation, entry, { ...place, variables: beforeSet() })
          set = read
          return outcome
        },
      ],
      [
        'unset',
        (entry) => {
          const variables = applyLayers(beforeSet(), { files: {}, set: set.variables, unset: set.without })
          const outcome = evaluateEntry(evaluation, entry, { ...place, variables })
          if (typeof outcome !== 'string') unsetNames = namesUnset(withShorthands(unsetSchema, outcome), variables)
          return outcome
        },
      ],
    ]
    const outcomes = new Map<YamlEntry, Outcome>()
    const outcome = evaluateEntries(evaluation, mapping, place, (entry, siblings) => {
      // In this order, whatever the order in the file.
      for (const [key, evaluate] of evaluators) {
        const sibling = siblings.find((other) => other.key === key)
        if (sibling && !outcomes.has(sibling)) outcomes.set(sibling, evaluate(sibling))
      }
      return outcomes.get(entry) ?? evaluateEntry(evaluation, entry, place)
    })
    const unset = new Set([...Object.keys(renamed), ...set.without, ...unsetNames])
    const variables = { ...valuesOfOldNames(place.variables, renamed), ...set.variables }
    finished({ files: files.variables, set: variables, unset }, files.toCreate)
    return outcome
  }
}

/** The variables after applying a block to those around it. */
export function applyLayers(around: Variables, { files, set, unset }: EnvironmentLayers): Variables {
  const all = { ...around, ...files, ...set }
  return unset.size === 0 ? all : Object.fromEntries(Object.entries(all).filter(([name]) => !unset.has(name)))
}

/** The container's variables win over files; an empty one counts as not set. */
export function containerOverFiles(files: Variables, container: Variables): Variables {
  const present = Object.entries(container).filter(([, value]) => value !== '')
  return { ...container, ...files, ...Object.fromEntries(present) }
}

/** The files of a process win over shared variables. */
export function filesOverShared(files: Variables, shared: Variables): Variables {
  return { ...shared, ...files }
}

/** The names that valid rules unset; the schema reports the others. */
function namesUnset(rules: Located, variables: Variables): readonly string[] {
  if (rules.kind !== 'list') return []
  return rules.items.flatMap((item) => {
    const { success, data: rule } = unsetRuleSchema.safeParse(plainValue(item))
    if (!success) return []
    const { empty = [], anyEmpty = [] } = rule
    const isEmpty = (name: string) => !Object.hasOwn(variables, name) || variables[name] === ''
    return [...empty.filter(isEmpty), ...(anyEmpty.some(isEmpty) ? anyEmpty : [])]
  })
}
