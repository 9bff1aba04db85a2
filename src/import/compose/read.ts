/** Reads the services of a Compose file as processes of one container. */
import type { PlacedReading } from '../placed.ts'
import { type Comment, type Entries, type Finding, isEntries } from '../reading.ts'
import type { Place, Report } from '../reports.ts'
import { fieldsOf } from './fields.ts'
import { dependenciesOf, readService, type Service } from './service.ts'
import { type Mapping, readTree } from './tree.ts'

export interface ComposeSource {
  /** The path as given. */
  readonly file: string
  readonly text: string
  /** Undefined: there is no such file. The path is relative to the folder of `file`. */
  readonly readFile: (path: string) => string | undefined
}

export function readCompose({ file, text, readFile }: ComposeSource): PlacedReading {
  const findings: Finding[] = []
  const report: Report = (at, severity, message) => findings.push({ ...at, severity, message })
  const tree = readTree(file, text, report)
  if (tree?.kind !== 'mapping') {
    if (findings.length === 0)
      report({ file, line: 1, column: 1 }, 'untranslated', 'there are no `services` in this file')
    return { config: {}, comments: [], findings, places: [] }
  }
  const top = fieldsOf(tree, report)
  const written = servicesIn(top.node('services'), report)
  const awaited = awaitedServices(written)
  const all = written.map(({ theirs }) => theirs)
  const services = written.flatMap(
    (one) => readService({ ...one, awaited: awaited.has(one.theirs), all }, report) ?? [],
  )
  for (const { key, at, value } of top.unread())
    if (key === 'include') report(at, 'untranslated', 'give the included files as arguments too')
    else if (['networks', 'volumes', 'secrets', 'configs', 'models'].includes(key)) {
      if (value.kind !== 'scalar')
        report(at, 'untranslated', `\`${key}\` belong to the container that Gatehouse runs in`)
    } else if (key !== 'version' && key !== 'name' && !key.startsWith('x-'))
      report(at, 'untranslated', `\`${key}\` is not known`)
  const { config, ...rest } = assembled(services, report)
  const environment = variablesFile(text, readFile)
  if (environment)
    report(
      { file, line: 1, column: 1 },
      'changed',
      'Compose reads `.env` only for variables of this file; here processes see it too',
    )
  return { config: { ...(environment && { environment }), ...config }, ...rest, findings }
}

/** Compose reads `.env` for `${...}`; services get only the variables that they name. */
function variablesFile(text: string, readFile: ComposeSource['readFile']): Entries | undefined {
  if (!/\$[{A-Za-z_]/.test(text) || readFile('.env') === undefined) return undefined
  return { files: [{ path: '.env' }] }
}

interface Written {
  readonly theirs: string
  readonly at: Place
  readonly node: Mapping
}

function servicesIn(node: ReturnType<ReturnType<typeof fieldsOf>['node']>, report: Report): readonly Written[] {
  if (node?.kind !== 'mapping') return []
  return [...node.entries].flatMap(([theirs, { at, value }]) => {
    if (value.kind === 'mapping') return [{ theirs, at, node: value }]
    report(at, 'untranslated', `service \`${theirs}\` is not a mapping`)
    return []
  })
}

/** Services that others wait to complete. */
function awaitedServices(services: readonly Written[]): ReadonlySet<string> {
  const dependencies = services.flatMap(({ node }) =>
    dependenciesOf(
      fieldsOf(node, () => {}),
      () => {},
    ),
  )
  return new Set(dependencies.flatMap(({ on, condition }) => (condition === 'completed' ? [on] : [])))
}

function assembled(services: readonly Service[], report: Report): Omit<PlacedReading, 'findings'> {
  const names = new Map(services.map(({ theirs, name }) => [theirs, name]))
  const passing = new Set(services.flatMap(({ name, entries }) => (isPassing(entries) ? [name] : [])))
  const processes = services.map(({ name, entries, dependencies }): [string, Entries] => {
    const dependsOn = dependencies.flatMap(({ on, condition, at }): [string, string][] => {
      const process = names.get(on)
      if (process === undefined)
        report(at, 'untranslated', `the dependency on \`${on}\` is left out: it is not a process here`)
      else if (condition === 'started' && passing.has(process) && !passing.has(name))
        report(
          at,
          'changed',
          `once \`${process}\` has exited for good, this process is not restarted either: give \`${process}\` a \`restart\``,
        )
      return process === undefined ? [] : [[process, condition]]
    })
    return [name, { ...entries, ...(dependsOn.length > 0 && { dependsOn: Object.fromEntries(dependsOn) }) }]
  })
  const at = (name: string) => ['processes', name]
  return {
    config: processes.length > 0 ? { processes: Object.fromEntries(processes) } : {},
    comments: services.map(
      ({ name, at: { file, line } }): Comment => ({ path: at(name), text: `from ${file}:${line}` }),
    ),
    places: services.map((service) => ({ path: at(service.name), at: service.at })),
    hosts: Object.fromEntries(names),
  }
}

/** It is not restarted when it ends. */
function isPassing({ kind, restart }: Entries): boolean {
  return kind === 'task' || (isEntries(restart) && restart.policy === 'never')
}
