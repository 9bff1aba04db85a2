/** A service as a process of ours, if it says what to run. */
import { portOf } from '../known-port.ts'
import { hasVariable, written } from '../marked.ts'
import { ourName } from '../our-name.ts'
import type { Entries, Value } from '../reading.ts'
import type { Place, Report } from '../reports.ts'
import { type Fields, fieldsOf } from './fields.ts'
import { readyEntries } from './health.ts'
import { limitEntries, memoryEntries } from './limits.ts'
import { itemsOf, textsOf, wordsOf } from './lists.ts'
import { restartEntries } from './restart.ts'
import { reportTheRest } from './told.ts'
import type { Mapping, Node } from './tree.ts'

export interface Service {
  /** As other services call it. */
  readonly theirs: string
  readonly name: string
  readonly at: Place
  readonly entries: Entries
  readonly dependencies: readonly Dependency[]
}

export interface Dependency {
  readonly on: string
  readonly condition: 'started' | 'ready' | 'completed'
  readonly at: Place
}

export interface Asked {
  readonly theirs: string
  readonly at: Place
  readonly node: Mapping
  /** Others wait for its end. */
  readonly awaited: boolean
  /** The names of all services. */
  readonly all: readonly string[]
}

/** Undefined, and reported, where there is nothing that could be run. */
export function readService({ theirs, at, node, awaited, all }: Asked, report: Report): Service | undefined {
  const fields = fieldsOf(node, report)
  const image = fields.text('image')
  const command = commandOf(fields, report)
  if (!command) {
    const what = image ? `runs an image` : 'has no command'
    const upstream = `or, if it stays elsewhere, write an \`upstream\` with its address`
    report(
      at,
      'untranslated',
      `service \`${theirs}\` ${what}: install its program and give its \`command\`, ${upstream}`,
    )
    return undefined
  }
  if (image)
    report(image.at, 'changed', 'the command runs in the container of Gatehouse: its program must be installed there')
  const name = ourName(theirs)
  if (name !== theirs)
    report(at, 'changed', `\`${theirs}\` is called \`${name}\`: names have lower-case letters, digits, \`-\` and \`_\``)
  const environment = environmentOf(fields, all, report)
  const ready = readyEntries(fields, report)
  const directory = fields.text('working_dir')
  const user = fields.text('user')
  const port = portOfService(fields, command.words, report)
  const dependencies = dependenciesOf(fields, report)
  const when = profilesOf(fields)
  const stop = stopOf(fields)
  const entries: Entries = {
    ...(when && { when }),
    command: command.items,
    ...(directory && { directory: written(directory.value) }),
    ...(user && { user: written(user.value) }),
    ...(awaited && { kind: 'task' }),
    ...environment,
    ...(port !== undefined && !awaited && !('ready' in ready) ? { ready: { tcp: port } } : awaited ? {} : ready),
    ...restartEntries(fields, awaited, report),
    ...stop,
    ...memoryEntries(fields, report),
    ...limitEntries(fields, report),
  }
  reportDeploy(fields, report)
  reportLabels(fields, report)
  reportTheRest(fields, report)
  return { theirs, name, at, entries, dependencies }
}

function commandOf(fields: Fields, report: Report) {
  const entrypoint = wordsOf(fields, 'entrypoint', report)
  const command = wordsOf(fields, 'command', report)
  const items = [...(entrypoint?.items ?? []), ...(command?.items ?? [])]
  const words = [...(entrypoint?.words ?? []), ...(command?.words ?? [])]
  // An entry point of the image stands before a command, and nobody here knows it.
  return items.length > 0 ? { items, words } : undefined
}

function environmentOf(fields: Fields, all: readonly string[], report: Report): Entries {
  const files = envFiles(fields.node('env_file'))
  if (files.length > 0) report(fields.placeOf('env_file'), 'note', 'paths are relative to the folder of the new file')
  const set = itemsOf(fields, 'environment').flatMap(({ name, value, at }): [string, string][] => {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      report(at, 'untranslated', `\`${name}\` is no name of a variable: it has letters, digits and \`_\``)
      return []
    }
    const host = all.find((service) => hostPattern(service).test(value ?? ''))
    if (host !== undefined) {
      const mend = 'a process of this container is at 127.0.0.1'
      report(at, 'untranslated', `\`${name}\` has \`${host}\` as a host, a name that only Compose knows: ${mend}`)
    }
    // The name alone passes it on from outside, as everything is here.
    return value === undefined ? [] : [[name, written(value)]]
  })
  if (files.length === 0 && set.length === 0) return {}
  return {
    environment: {
      ...(files.length > 0 && { files }),
      ...(set.length > 0 && { set: Object.fromEntries(set) }),
    },
  }
}

/** `db`, `db:5432`, `postgres://user:password@db/app`, `a:1,db:2`. */
function hostPattern(service: string): RegExp {
  return new RegExp(`(^|//|@|,)${service.replaceAll('.', '\\.')}(?=[:/,]|$)`)
}

function envFiles(node: Node | undefined): readonly Value[] {
  if (node?.kind === 'scalar') return [{ path: written(node.text) }]
  if (node?.kind !== 'list') return []
  return node.items.flatMap((item): Value[] => {
    if (item.kind === 'scalar') return [{ path: written(item.text) }]
    const path = item.kind === 'mapping' ? textsOf(item.entries.get('path')?.value)[0]?.value : undefined
    if (path === undefined || item.kind !== 'mapping') return []
    const optional = textsOf(item.entries.get('required')?.value)[0]?.value === 'false'
    return [{ path: written(path), ...(optional && { when: { file: written(path) } }) }]
  })
}

const conditions: Readonly<Record<string, Dependency['condition']>> = {
  service_started: 'started',
  service_healthy: 'ready',
  service_completed_successfully: 'completed',
}

/** Also asked before services are read, to know who is waited for. */
export function dependenciesOf(fields: Fields, report: Report): readonly Dependency[] {
  const node = fields.node('depends_on')
  if (node?.kind === 'list') return textsOf(node).map(({ value, at }) => ({ on: value, condition: 'started', at }))
  if (node?.kind !== 'mapping') return []
  return [...node.entries].map(([on, { at, value }]): Dependency => {
    const inner = value.kind === 'mapping' ? fieldsOf(value, report) : undefined
    const condition = inner?.text('condition')
    if (inner?.boolean('restart')?.value)
      report(inner.placeOf('restart'), 'untranslated', 'nobody is started again because another was')
    const known = conditions[condition?.value ?? 'service_started']
    if (!known && condition)
      report(condition.at, 'untranslated', `\`${condition.value}\` is no condition: it is \`started\` now`)
    return { on, condition: known ?? 'started', at }
  })
}

function stopOf(fields: Fields): Entries {
  const grace = fields.duration('stop_grace_period')
  const signal = fields.text('stop_signal')?.value
  const name = signal === undefined ? undefined : signal.startsWith('SIG') ? signal : `SIG${signal}`
  const stop: Entries = {
    ...(name !== undefined && name !== 'SIGTERM' && { signal: name }),
    ...(grace && { grace: grace.value }),
  }
  return Object.keys(stop).length > 0 ? { stop } : {}
}

/** COMPOSE_PROFILES says which are wanted, as ever. */
function profilesOf(fields: Fields): Entries | undefined {
  const profiles = textsOf(fields.node('profiles')).map(({ value }) => value.replaceAll('.', '\\.'))
  return profiles.length === 0
    ? undefined
    : { env: 'COMPOSE_PROFILES', matches: `(^|,)(\\*|${profiles.join('|')})(,|$)` }
}

/** Where it listens in its container, if that is one port; what was published of it is told. */
function portOfService(fields: Fields, words: readonly string[], report: Report): number | undefined {
  const environmentPort = itemsOf(fields, 'environment').find(({ name }) => name === 'PORT')?.value
  const targets = [
    ...publishedPorts(fields.node('ports'), report),
    ...textsOf(fields.node('expose')).map(({ value }) => value),
  ]
  const known = new Set(targets.flatMap((target) => (hasVariable(target) ? [] : [Number(/^\d+/.exec(target)?.[0])])))
  const [port, ...others] = known
  if (port === undefined) return portOf(words, environmentPort)
  return others.length === 0 && port > 0 ? port : undefined
}

function publishedPorts(node: Node | undefined, report: Report): readonly string[] {
  if (node?.kind !== 'list') return []
  return node.items.flatMap((item) => {
    const written = item.kind === 'scalar' ? item.text : ''
    const target =
      item.kind === 'mapping' ? textsOf(item.entries.get('target')?.value)[0]?.value : written.split(':').at(-1)
    const isPublished = item.kind === 'mapping' ? item.entries.has('published') : written.includes(':')
    if (isPublished)
      report(
        item.at,
        'untranslated',
        'no port is published for a program: a route leads to it, or the container publishes its own port',
      )
    const protocol =
      item.kind === 'mapping' ? textsOf(item.entries.get('protocol')?.value)[0]?.value : /\/(\w+)$/.exec(written)?.[1]
    return target === undefined || protocol === 'udp' ? [] : [target]
  })
}

function reportDeploy(fields: Fields, report: Report): void {
  const deploy = fields.node('deploy')
  if (deploy?.kind !== 'mapping') return
  for (const [key, { at }] of deploy.entries)
    if (key !== 'resources' && key !== 'restart_policy')
      report(
        at,
        'untranslated',
        `\`deploy.${key}\` belongs to a cluster: Kubernetes or Swarm runs the container that Gatehouse runs in`,
      )
  const limits = deploy.entries.get('resources')?.value
  const wanted = limits?.kind === 'mapping' ? limits.entries.get('limits')?.value : undefined
  if (wanted?.kind !== 'mapping') return
  for (const [key, { at }] of wanted.entries)
    if (key !== 'memory')
      report(
        at,
        'untranslated',
        `\`${key}\`: there are no cgroups for single programs; \`nice\` and \`limits\` come nearest`,
      )
}

/** Those of a proxy are routes in disguise. */
function reportLabels(fields: Fields, report: Report): void {
  for (const { name, at } of itemsOf(fields, 'labels'))
    if (/^(traefik|caddy|nginx)\b/.test(name))
      report(at, 'untranslated', `\`${name}\`: write it as a route under \`gateway.routes\``)
    else report(at, 'note', 'not needed: labels are for programs that look at containers')
}
