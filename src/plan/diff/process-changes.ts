/**
 * What another plan changes in a process, option by option, and whether the process must restart for it: only what it
 * got when it was executed cannot change while it runs. The reason for each is in
 * docs/adr/0027-what-a-reload-restarts.md.
 */
import { isDeepStrictEqual } from 'node:util'
import { formatBytes } from '../../shared/bytes.ts'
import { formatDuration } from '../../shared/time/duration.ts'
import type { ProbeCheck } from '../model/probes.ts'
import type { Dependency, ProcessPlan } from '../model/processes.ts'
import type { RightsPlan } from '../model/rights.ts'

export interface ProcessChange {
  /** As the file has it: `stop.grace`. */
  readonly option: string
  /**
   * How to report it, without values of variables and texts that may have them: `stop.grace 10s → 30s`, `command
   * changed`.
   */
  readonly words: string
  /** It takes effect only in a new process. */
  readonly restarts: boolean
}

/** Without what is derived from the others. */
type Option = Exclude<keyof ProcessPlan, 'name' | 'position' | 'written' | 'launchSize'>

/** Whether a change of it needs a new process. An option that is not here does not compile. */
const restarts: Readonly<Record<Option, boolean>> = {
  command: true,
  directory: true,
  environment: true,
  rights: true,
  port: true,
  // It changes what ready, completed and failed mean: nothing known of the run would still be true.
  kind: true,
  schedule: false,
  backup: false,
  dependsOn: false,
  startup: false,
  ready: false,
  alive: false,
  restart: false,
  essential: false,
  criticality: false,
  memory: false,
  output: false,
  stop: false,
}

/** In the order of the table above; empty: no change. `variables`: pass them if they have been compared already. */
export function processChanges(
  before: ProcessPlan,
  after: ProcessPlan,
  variables: ChangedVariables = runToEnd(changedVariables(before.environment, after.environment)),
): readonly ProcessChange[] {
  return (Object.keys(restarts) as Option[]).flatMap((option) => {
    if (option === 'environment')
      return variables.count === 0 ? [] : [{ option, words: environmentWords(variables), restarts: restarts[option] }]
    if (isDeepStrictEqual(before[option], after[option])) return []
    return changesOf(option, before, after).map((change) => ({ restarts: restarts[option], ...change }))
  })
}

/** Whether both have the same probes. */
export function sameProbes(a: ProcessPlan, b: ProcessPlan): boolean {
  return (['startup', 'ready', 'alive'] as const).every((option) => isDeepStrictEqual(a[option], b[option]))
}

export function needsRestart(changes: readonly ProcessChange[]): boolean {
  return changes.some((change) => change.restarts)
}

/** `restarts, because command changed; also stop.grace 10s → 30s`, `stop.grace 10s → 30s, without a restart`. */
export function changeWords(changes: readonly ProcessChange[]): string {
  const [reasons, others] = [changes.filter((one) => one.restarts), changes.filter((one) => !one.restarts)]
  const alsoChanged = others.map(({ words }) => words).join(', ')
  if (reasons.length === 0) return `${alsoChanged}, without a restart`
  const because = `restarts, because ${reasons.map(({ words }) => words).join(', ')}`
  return others.length === 0 ? because : `${because}; also ${alsoChanged}`
}

type Change = Omit<ProcessChange, 'restarts'> & { readonly restarts?: boolean }

function changesOf(option: Option, before: ProcessPlan, after: ProcessPlan): readonly Change[] {
  switch (option) {
    case 'startup':
    case 'ready':
    case 'alive':
      return probeChanges(option, before[option], after[option])
    case 'dependsOn':
      return [change(option, before.dependsOn.map(dependencyWords), after.dependsOn.map(dependencyWords))]
    case 'rights':
      return rightsChanges(before.rights ?? {}, after.rights ?? {})
    case 'backup':
      return [{ option, words: 'backup changed' }]
    default:
      return leafChanges([option], before[option], after[option])
  }
}

/** What the plan calls `rights` are options of their own in the file. */
function rightsChanges(before: RightsPlan, after: RightsPlan): readonly Change[] {
  const { user: { groups, ...user } = {}, ...others } = before
  const { user: { groups: groupsAfter, ...userAfter } = {}, ...othersAfter } = after
  return [
    ...(isDeepStrictEqual(user, userAfter) ? [] : [{ option: 'user', words: 'user changed' }]),
    ...(isDeepStrictEqual(groups, groupsAfter) ? [] : [{ option: 'groups', words: 'groups changed' }]),
    ...leafChanges([], others, othersAfter),
  ]
}

const maxNames = 6

type Variables = ProcessPlan['environment']

interface ChangedVariables {
  readonly count: number
  /** The first ones in alphabetical order. */
  readonly names: readonly string[]
}

/** Variables per step. */
const step = 2_000

/** Yields between steps, since there may be a hundred thousand and comparing them blocks the supervisor. */
export function* changedVariables(before: Variables, after: Variables): Generator<void, ChangedVariables> {
  let [looked, count] = [0, 0]
  const names: string[] = []
  for (const [variables, others] of [
    [after, before],
    [before, after],
  ] as const) {
    for (const name in variables) {
      looked += 1
      if (looked % step === 0) yield
      const isChange = variables === after ? variables[name] !== others[name] : !Object.hasOwn(others, name)
      if (!isChange) continue
      count += 1
      if (names.length === maxNames && name > (names.at(-1) as string)) continue
      names.push(name)
      names.sort().splice(maxNames)
    }
  }
  return { count, names }
}

function runToEnd(changed: Generator<void, ChangedVariables>): ChangedVariables {
  for (;;) {
    const { done, value } = changed.next()
    if (done) return value
  }
}

function environmentWords({ count, names }: ChangedVariables): string {
  return `environment changed (${names.join(', ')}${count > names.length ? ` and ${count - names.length} more` : ''})`
}

function dependencyWords({ process, condition }: Dependency): string {
  return `${process} ${condition}`
}

type Probe = ProbeCheck & Readonly<Record<string, unknown>>

function probeChanges(
  option: string,
  before: ProbeCheck | undefined,
  after: ProbeCheck | undefined,
): readonly Change[] {
  // A descriptor is opened for a process when it is executed.
  const descriptor = (probe: ProbeCheck | undefined) => (probe?.kind === 'fd' ? probe.descriptor : undefined)
  const restarts = after?.kind === 'fd' && descriptor(before) !== descriptor(after)
  const otherKind = before?.kind !== after?.kind
  if (!before || !after || otherKind) return [{ ...change(option, before?.kind, after?.kind), restarts }]
  const kind = after.kind
  const { kind: _, written: _before, ...from } = before as Probe
  const { kind: __, written: _after, ...to } = after as Probe
  return leafChanges([option], from, to).map((one) => {
    const [, key = ''] = one.option.split('.')
    if (Object.hasOwn(named, key)) return { ...one, restarts }
    return { option: `${option}.${kind}`, words: `${option}.${kind} changed`, restarts }
  })
}

/** How to format values, by their last key; `plain`: a number, word or boolean. */
const named: Readonly<Record<string, 'duration' | 'bytes' | 'octal' | 'plain'>> = {
  ...all('duration', ['every', 'timeout', 'deadline', 'first', 'next', 'max', 'within', 'drain', 'grace', 'steady']),
  ...all('plain', [
    'failures',
    'policy',
    'signal',
    'kind',
    'criticality',
    'essential',
    'files',
    'port',
    'nice',
    'cron',
  ]),
  memory: 'bytes',
  umask: 'octal',
}

function all<T>(value: T, keys: readonly string[]): Readonly<Record<string, T>> {
  return Object.fromEntries(keys.map((key) => [key, value]))
}

/** The name of an option in the file, where it differs from the plan. */
function nameOf(path: readonly string[]): string {
  const [first, second] = path
  if (first === 'restart' && second === 'rolling') return path.length === 2 ? 'restart.style' : 'restart.drain'
  return path.join('.')
}

function leafChanges(path: readonly string[], before: unknown, after: unknown): readonly Change[] {
  if (isDeepStrictEqual(before, after)) return []
  if (isMapping(before) && isMapping(after)) {
    const keys = new Set([...Object.keys(before), ...Object.keys(after)])
    return [...keys].flatMap((key) => leafChanges([...path, key], before[key], after[key]))
  }
  const option = nameOf(path)
  if (option === 'restart.style') return [change(option, before ? 'rolling' : 'replace', after ? 'rolling' : 'replace')]
  const last = path.at(-1) ?? ''
  const format = Object.hasOwn(named, last) ? named[last] : undefined
  if (!format || isMapping(before) || isMapping(after)) return [{ option, words: `${option} changed` }]
  return [change(option, shown(before, format), shown(after, format))]
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function shown(value: unknown, format: (typeof named)[string]): string | undefined {
  if (value === undefined) return undefined
  if (typeof value !== 'number') return String(value)
  if (format === 'duration') return formatDuration(value)
  if (format === 'bytes') return formatBytes(value)
  return format === 'octal' ? `0${value.toString(8)}` : String(value)
}

function change(option: string, before: string | readonly string[] | undefined, after: typeof before): Change {
  const words = (value: typeof before) =>
    value === undefined || value.length === 0 ? 'none' : [value].flat().join(', ')
  return { option, words: `${option} ${words(before)} → ${words(after)}` }
}
