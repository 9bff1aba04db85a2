/** Evaluates the whole file: its `environment` first, because everything else sees the result. */
import { dirname } from 'node:path'
import { isMap, type YAMLMap } from 'yaml'
import type { Report } from './diagnostics.ts'
import {
  applyLayers,
  containerOverFiles,
  type EnvironmentLayers,
  environmentEvaluator,
  filesOverShared,
} from './environment/environment.ts'
import type { FileToCreate } from './environment/environment-files.ts'
import type { Variables } from './environment/interpolate.ts'
import { type Evaluation, evaluate, evaluateEntries, evaluateEntry, type Outcome, type Place } from './evaluate.ts'
import type { FileFacts } from './file-facts.ts'
import { type Names, sectionOf } from './names.ts'
import type { Path } from './yaml/located.ts'
import { entriesOf, type YamlEntry, type YamlSource } from './yaml/yaml-source.ts'

export interface EvaluatedFile {
  readonly outcome: Outcome
  /** What `${...}`, `when:` and processes see. Contains secrets. */
  readonly environment: Variables
  /** The `environment:` blocks of processes, by name. Contains secrets. */
  readonly processEnvironments: ReadonlyMap<string, EnvironmentLayers>
  /** Missing files with `create`, in the order in which to write them. */
  readonly filesToCreate: readonly FileToCreate[]
  /** Excluded by `when:`. */
  readonly excluded: Names
}

export interface FileToEvaluate {
  readonly source: YamlSource
  /** Absolute path of the config file. */
  readonly path: string
  /** The variables of this process. */
  readonly container: Variables
  readonly facts: FileFacts
}

export function evaluateFile({ source, path, container, facts }: FileToEvaluate, report: Report): EvaluatedFile {
  const excluded = { processes: new Set<string>(), listeners: new Set<string>(), upstreams: new Set<string>() }
  const processEnvironments = new Map<string, EnvironmentLayers>()
  const filesToCreate: FileToCreate[] = []
  const evaluation: Evaluation = {
    source,
    directory: dirname(path),
    facts,
    report,
    excluded(block, at) {
      const keysInside = () => entriesOf(source, block, () => {}).flatMap(({ key }) => (key === 'when' ? [] : [key]))
      for (const kind of ['processes', 'listeners', 'upstreams'] as const)
        for (const name of namesAt(at, sectionOf[kind], keysInside)) excluded[kind].add(name)
    },
    special(at) {
      const [section, name, key] = at
      if (at.length !== 3 || section !== 'processes' || key !== 'environment') return undefined
      return environmentEvaluator({
        over: filesOverShared,
        finished(layers, toCreate) {
          processEnvironments.set(String(name), layers)
          filesToCreate.push(...toCreate)
        },
      })
    },
  }
  let environment = container
  const root = source.root && source.follow(source.root, 0)
  const place: Place = { path: [], variables: container }
  const finished = (variables: Variables, toCreate: readonly FileToCreate[]) => {
    environment = variables
    filesToCreate.push(...toCreate)
  }
  // An empty file counts as excluded.
  if (!root) return { outcome: 'excluded', environment, processEnvironments, filesToCreate, excluded }
  const outcome = isMap(root) ? evaluateRoot(evaluation, root, place, finished) : evaluate(evaluation, root, place)
  return { outcome, environment, processEnvironments, filesToCreate, excluded }
}

function evaluateRoot(
  evaluation: Evaluation,
  root: YAMLMap,
  place: Place,
  finished: (environment: Variables, toCreate: readonly FileToCreate[]) => void,
): Outcome {
  let variables = place.variables
  const evaluateEnvironment = environmentEvaluator({
    over: containerOverFiles,
    finished({ files, ...layers }, toCreate) {
      variables = applyLayers(containerOverFiles(files, place.variables), { files: {}, ...layers })
      finished(variables, toCreate)
    },
  })
  const rootEvaluation: Evaluation = {
    ...evaluation,
    special: (at) => (at.length === 1 && at[0] === 'environment' ? evaluateEnvironment : evaluation.special(at)),
  }
  let environmentOutcome: Outcome | undefined
  const environmentOf = (entry: YamlEntry) => {
    environmentOutcome ??= evaluateEntry(rootEvaluation, entry, place)
    return environmentOutcome
  }
  return evaluateEntries(rootEvaluation, root, place, (entry, siblings) => {
    const environmentEntry = siblings.find(({ key }) => key === 'environment')
    const outcome = environmentEntry && environmentOf(environmentEntry)
    if (outcome && entry === environmentEntry) return outcome
    return evaluateEntry(rootEvaluation, entry, { ...place, variables })
  })
}

/** The names in `section` that a block at `at` covers: its own, or all of them if it is the section. */
function namesAt(at: Path, section: Path, keysInside: () => readonly string[]): readonly string[] {
  if (section.some((step, depth) => at[depth] !== step)) return []
  if (at.length === section.length) return keysInside()
  return at.length === section.length + 1 ? [String(at.at(-1))] : []
}
