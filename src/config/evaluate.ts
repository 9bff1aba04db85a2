/**
 * Evaluates YAML nodes: `when:` first, so that an excluded block may name variables that are not set; then the
 * variables in scalars.
 */
import { isMap, isScalar, isSeq, type Node, Scalar, type YAMLMap, type YAMLSeq } from 'yaml'
import { checkShape } from './check-shape.ts'
import type { Report } from './diagnostics.ts'
import { interpolate, type Variables } from './environment/interpolate.ts'
import type { FileFacts } from './file-facts.ts'
import { findForeignVariable } from './hints/foreign-variables.ts'
import { nearest } from './hints/suggest.ts'
import { conditionSchema } from './schema/environment/condition.ts'
import { mapping } from './schema/structures.ts'
import { withShorthands } from './shorthands.ts'
import { holds } from './when.ts'
import { hasLost, type Located, type LocatedEntry, type Path, shorten } from './yaml/located.ts'
import { entriesOf, type YamlEntry, type YamlSource } from './yaml/yaml-source.ts'

export interface Evaluation {
  readonly source: YamlSource
  /** What relative paths in conditions are relative to. */
  readonly directory: string
  readonly facts: FileFacts
  readonly report: Report
  /** Called for every block that `when:` excludes. */
  excluded(block: YAMLMap, path: Path): void
  /** The evaluator of blocks such as `environment`, whose lines see those above them; undefined: the usual one. */
  special(path: Path): EvaluateMapping | undefined
}

export type EvaluateMapping = (evaluation: Evaluation, mapping: YAMLMap, place: Place) => Outcome

export interface Place {
  readonly path: Path
  /** What `${...}` and `when:` see here. */
  readonly variables: Variables
}

/** `excluded` by its condition; `unusable` after an error that has been reported. */
export type Outcome = Located | 'excluded' | 'unusable'

export function evaluate(evaluation: Evaluation, node: Node, place: Place): Outcome {
  const followed = evaluation.source.follow(node, place.path.length)
  if (isMap(followed)) {
    const text = caddyPlaceholder(followed)
    if (text !== undefined) return evaluateScalar(evaluation, text, place)
    const evaluateMapping = evaluation.special(place.path) ?? evaluatePlainMapping
    return evaluateMapping(evaluation, followed, place)
  }
  if (isSeq(followed)) return evaluateList(evaluation, followed as YAMLSeq<Node>, place)
  if (isScalar(followed)) return evaluateScalar(evaluation, followed, place)
  return 'unusable'
}

/** `{$NAME}` without quotes, which YAML reads as a mapping. */
function caddyPlaceholder({ flow, items, range }: YAMLMap): Scalar | undefined {
  const [only] = items
  if (!flow || items.length !== 1 || !only || !isScalar(only.key) || only.value !== null) return undefined
  const name = String(only.key.value)
  if (!/^\$[A-Z_][A-Z0-9_]*(:|$)/.test(name)) return undefined
  const text = new Scalar(`{${name}}`)
  text.range = range ?? null
  return text
}

/** Evaluates a mapping, each entry by `evaluateOne`. */
export function evaluateEntries(
  evaluation: Evaluation,
  mapping: YAMLMap,
  place: Place,
  evaluateOne: (entry: YamlEntry, siblings: readonly YamlEntry[]) => Outcome,
): Outcome {
  const written = entriesOf(evaluation.source, mapping, evaluation.report)
  const verdict = evaluateCondition(evaluation, written, place)
  if (verdict === 'excluded') evaluation.excluded(mapping, place.path)
  if (verdict !== 'included') return verdict
  const entries = new Map<string, LocatedEntry>()
  const lost = new Set<string>()
  for (const entry of written) {
    if (entry.key === 'when') continue
    const outcome = evaluateOne(entry, written)
    if (outcome === 'unusable') lost.add(entry.key)
    else if (outcome !== 'excluded') entries.set(entry.key, { keyAt: entry.keyAt, node: outcome })
  }
  return { kind: 'mapping', at: evaluation.source.positionOf(mapping), entries, lost }
}

const evaluatePlainMapping: EvaluateMapping = (evaluation, mapping, place) =>
  evaluateEntries(evaluation, mapping, place, (entry) => evaluateEntry(evaluation, entry, place))

export function evaluateEntry(evaluation: Evaluation, { key, keyAt, value }: YamlEntry, place: Place): Outcome {
  if (!value) return { kind: 'scalar', at: keyAt, value: null, written: '' }
  return evaluate(evaluation, value, { ...place, path: [...place.path, key] })
}

function evaluateList(evaluation: Evaluation, list: YAMLSeq<Node>, { path, variables }: Place): Outcome {
  const outcomes = list.items.map((item, index) => evaluate(evaluation, item, { path: [...path, index], variables }))
  return {
    kind: 'list',
    at: evaluation.source.positionOf(list),
    items: outcomes.filter((outcome) => typeof outcome !== 'string'),
    lost: outcomes.includes('unusable'),
  }
}

function evaluateScalar({ source, report }: Evaluation, scalar: Scalar, { path, variables }: Place): Outcome {
  const at = source.positionOf(scalar)
  if (scalar.value === null && scalar.anchor !== undefined) {
    const message = `\`&${scalar.anchor}\` defines an anchor, but no value follows it`
    const start = { ...at, column: at.column - scalar.anchor.length - 1 }
    report({ code: 'yaml-syntax', at: start, message, hint: `quote it: write \`"&${scalar.anchor}"\`` })
    return 'unusable'
  }
  if (scalar.value === null) return { kind: 'scalar', at, value: null, written: '' }
  const written = typeof scalar.value === 'string' ? scalar.value : (scalar.source ?? String(scalar.value))
  const foreign = findForeignVariable(written, path)
  if (foreign) {
    const { severity, message, replacement } = foreign
    report({ severity, code: 'bad-variable-syntax', at, message, hint: `write \`${quoted(shorten(replacement))}\`` })
    if (severity === 'error') return 'unusable'
  }
  const interpolation = interpolate(written, variables)
  if (interpolation.ok) return { kind: 'scalar', at, value: interpolation.text, written }
  if (interpolation.problem === 'malformed') {
    report({
      code: 'bad-variable-syntax',
      at,
      message: `a \`\${\` in \`${shorten(written)}\` does not begin a variable`,
      hint: 'write `${NAME}` or `${NAME:-default}`; a literal `${` is written `$${`',
    })
  } else if (interpolation.problem === 'too-deep') {
    report({
      code: 'bad-variable-syntax',
      at,
      message: `the defaults of variables in \`${shorten(written)}\` are nested too deeply`,
      hint: 'define the inner ones as variables in `environment: { set: ... }`',
    })
  } else if (interpolation.problem === 'too-long') {
    report({
      code: 'bad-variable-syntax',
      at,
      message: `\`${shorten(written)}\` is longer than 8 MiB once its variables are expanded`,
      hint: 'look for variables that contain each other',
    })
  } else {
    const { name } = interpolation
    const near = nearest(
      name,
      Object.keys(variables).filter((one) => variables[one]),
    )
    report({
      code: 'variable-not-set',
      at,
      message: `variable ${name} is not set`,
      hint: `${near === undefined ? '' : `did you mean \`${near}\`? Otherwise `}write \`\${${name}:-default}\`, or guard the block with \`when: { env: ${name} }\``,
    })
  }
  return 'unusable'
}

function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, '\\$&')}"`
}

/** With its key, which hints repeat. */
const whenSchema = mapping({ when: conditionSchema })

function evaluateCondition(
  evaluation: Evaluation,
  entries: readonly YamlEntry[],
  place: Place,
): 'included' | 'excluded' | 'unusable' {
  const entry = entries.find(({ key }) => key === 'when')
  if (!entry) return 'included'
  const located = evaluateEntry(evaluation, entry, place)
  if (typeof located === 'string') return 'unusable'
  const at = { kind: 'mapping', at: entry.keyAt, lost: new Set<string>() } as const
  const whole = { ...at, entries: new Map([['when', { keyAt: entry.keyAt, node: located }]]) }
  const { value, tree } = checkShape(whenSchema, withShorthands(whenSchema, whole), evaluation.report)
  const condition = value?.when
  // A condition with an error in it decides nothing.
  if (!condition || hasLost(tree)) return 'unusable'
  const { directory, facts } = evaluation
  return holds(condition, { variables: place.variables, directory, facts }) ? 'included' : 'excluded'
}
