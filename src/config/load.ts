/** Loads a file as a typed config with the position of everything in it. */
import { resolve } from 'node:path'
import { messageOf } from '../shared/errors.ts'
import { checkShape } from './check-shape.ts'
import { type Diagnostic, type Problem, type SourcePosition, sortDiagnostics, toDiagnostic } from './diagnostics.ts'
import type { EnvironmentLayers } from './environment/environment.ts'
import type { FileToCreate } from './environment/environment-files.ts'
import type { Variables } from './environment/interpolate.ts'
import { evaluateFile } from './evaluate-file.ts'
import type { FileFacts } from './file-facts.ts'
import { type ForeignFile, foreignFile } from './hints/foreign-file.ts'
import { type Names, namesWritten, sectionOf } from './names.ts'
import { type Config, configSchema } from './schema/config.ts'
import { withShorthands } from './shorthands.ts'
import type { Located } from './yaml/located.ts'
import { parseYaml } from './yaml/yaml-source.ts'

export interface Loaded {
  /** Absent if there is no file, or it is not a YAML mapping. */
  readonly content?: LoadedContent
  /** In the order of the file. */
  readonly diagnostics: readonly Diagnostic[]
}

export interface LoadedContent {
  /** The path as given, for diagnostics. */
  readonly file: string
  /** Absolute. */
  readonly path: string
  /** The valid parts of the file. */
  readonly config: Config
  /** The tree that `config` was read from: the same paths lead to the same things. */
  readonly tree: Located
  /** The same before anything was removed because of an error. */
  readonly written: Located
  /** What `${...}`, `when:` and processes see. Contains secrets. */
  readonly environment: Variables
  /** The `environment:` blocks of processes, by name. Contains secrets. */
  readonly processEnvironments: ReadonlyMap<string, EnvironmentLayers>
  /** Missing files with `create`, in the order in which to write them. */
  readonly filesToCreate: readonly FileToCreate[]
  /** Excluded by `when:`. */
  readonly excluded: Names
  /** All names written, including excluded and invalid entries; undefined for a section that could not be read. */
  readonly declared: { readonly [K in keyof Names]: Names[K] | undefined }
}

/**
 * Reads, evaluates and checks a config file as far as possible; everything wrong with it is in `diagnostics`.
 * `container` holds the variables of this process.
 */
export function load(file: string, container: Variables, facts: FileFacts): Loaded {
  const path = resolve(file)
  const start: SourcePosition = { file, line: 1, column: 1 }
  const diagnostics: Diagnostic[] = []
  const report = (problem: Problem) => diagnostics.push(toDiagnostic(problem))
  const finish = (content?: LoadedContent): Loaded => {
    const sorted = sortDiagnostics(diagnostics)
    return content ? { content, diagnostics: sorted } : { diagnostics: sorted }
  }

  const text = readConfig(path, facts, (message, hint) => report({ code: 'file-unreadable', at: start, message, hint }))
  const foreign = text === undefined ? undefined : foreignFile(file, text)
  if (foreign) report(foreignFileProblem(foreign, start))
  const source = text === undefined || foreign ? undefined : parseYaml(file, text, report)
  if (!source) return finish()

  const { outcome, ...evaluated } = evaluateFile({ source, path, container, facts }, report)
  if (outcome === 'unusable' || source.expandsTooFar()) return finish()
  const empty: Located = { kind: 'mapping', at: start, entries: new Map(), lost: new Set() }
  const whole = outcome === 'excluded' ? empty : withShorthands(configSchema, outcome)

  const { value: config, tree } = checkShape(configSchema, whole, report)
  if (!config) return finish()
  const declared = {
    processes: union(namesWritten(whole, sectionOf.processes), evaluated.excluded.processes),
    listeners: union(namesWritten(whole, sectionOf.listeners), evaluated.excluded.listeners),
    upstreams: union(namesWritten(whole, sectionOf.upstreams), evaluated.excluded.upstreams),
  }
  return finish({ file, path, config, tree, written: whole, ...evaluated, declared })
}

function foreignFileProblem({ kind, format }: ForeignFile, at: SourcePosition): Problem {
  const hint = format
    ? `\`gatehouse import --format ${format} ${at.file}\` translates it`
    : 'see docs/migrating.md; `gatehouse import` reads Caddy, supervisord and Compose files'
  return { code: 'foreign-file', at, message: `this is ${kind}, not a Gatehouse configuration`, hint }
}

function union(written: ReadonlySet<string> | undefined, excluded: ReadonlySet<string>) {
  return written && new Set([...written, ...excluded])
}

type Refuse = (message: string, hint?: string) => void

function readConfig(path: string, facts: FileFacts, refuse: Refuse): string | undefined {
  const kind = facts.kindOf(path)
  if (kind === 'absent')
    refuse(
      'no such file',
      'create it, or name another one: `gatehouse check FILE`; docs/getting-started.md has an example',
    )
  else if (kind === 'directory') refuse('this is a folder, not a config file')
  else {
    try {
      return facts.read(path)
    } catch (error) {
      refuse(`the file cannot be read: ${messageOf(error)}`)
    }
  }
  return undefined
}
