/** A service as a process, if it has a command. */

import { written } from '../marked.ts'
import type { Entries } from '../reading.ts'
import type { Place, Report } from '../reports.ts'
import { isAccount } from '../terms/account.ts'
import { ourName } from '../terms/our-name.ts'
import { readSignal } from '../terms/signals.ts'
import { environmentOf } from './environment.ts'
import { type Fields, fieldsOf } from './fields.ts'
import { readyEntries } from './health.ts'
import { limitEntries, memoryEntries } from './limits.ts'
import { itemsOf, textsOf, wordsOf } from './lists.ts'
import { reportUnread } from './notes.ts'
import { portOfService } from './ports.ts'
import { restartEntries } from './restart.ts'
import type { Mapping } from './tree.ts'

export interface Service {
  /** Its name in the Compose file. */
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

export interface ServiceSource {
  readonly theirs: string
  readonly at: Place
  readonly node: Mapping
  /** Others wait for it to complete. */
  readonly awaited: boolean
  /** The names of all services. */
  readonly all: readonly string[]
}

/** Undefined, and reported, if there is nothing to run. */
export function readService({ theirs, at, node, awaited, all }: ServiceSource, report: Report): Service | undefined {
  const fields = fieldsOf(node, report)
  const image = fields.text('image')
  const command = commandOf(fields, report)
  if (!command) {
    const what = image ? `runs an image` : 'has no command'
    const upstream = `or, if it runs elsewhere, write an \`upstream\` with its address`
    report(
      at,
      'untranslated',
      `service \`${theirs}\` ${what}: install its program and set its \`command\`, ${upstream}`,
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
  if (user && !isAccount(user.value)) report(user.at, 'untranslated', '`user` is neither a name nor a number')
  const port = portOfService(fields, command.words, report)
  const dependencies = dependenciesOf(fields, report)
  const when = profilesOf(fields, report)
  const stop = stopOf(fields, report)
  const entries: Entries = {
    ...(when && { when }),
    command: command.items,
    ...(directory?.value && { directory: written(directory.value) }),
    ...(user && isAccount(user.value) && { user: written(user.value) }),
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
  reportUnread(fields, report)
  return { theirs, name, at, entries, dependencies }
}

function commandOf(fields: Fields, report: Report) {
  const entrypoint = wordsOf(fields, 'entrypoint', report)
  const command = wordsOf(fields, 'command', report)
  const items = [...(entrypoint?.items ?? []), ...(command?.items ?? [])]
  const words = [...(entrypoint?.words ?? []), ...(command?.words ?? [])]
  // The entry point of the image would come before the command, but it is unknown here.
  return words[0] ? { items, words } : undefined
}

const conditions: Readonly<Record<string, Dependency['condition']>> = {
  service_started: 'started',
  service_healthy: 'ready',
  service_completed_successfully: 'completed',
}

/** Also called before services are read, to find those that others wait for. */
export function dependenciesOf(fields: Fields, report: Report): readonly Dependency[] {
  const node = fields.node('depends_on')
  if (node?.kind === 'list') return textsOf(node).map(({ value, at }) => ({ on: value, condition: 'started', at }))
  if (node?.kind !== 'mapping') return []
  return [...node.entries].map(([on, { at, value }]): Dependency => {
    const inner = value.kind === 'mapping' ? fieldsOf(value, report) : undefined
    const condition = inner?.text('condition')
    if (inner?.boolean('restart')?.value)
      report(inner.placeOf('restart'), 'untranslated', 'a restart of one process does not restart others')
    const wanted = condition?.value ?? 'service_started'
    const known = Object.hasOwn(conditions, wanted) ? conditions[wanted] : undefined
    if (!known && condition)
      report(condition.at, 'untranslated', `\`${condition.value}\` is not a condition: \`started\` is used`)
    return { on, condition: known ?? 'started', at }
  })
}

function stopOf(fields: Fields, report: Report): Entries {
  const grace = fields.duration('stop_grace_period')
  const asked = fields.text('stop_signal')
  const signal = asked && readSignal(asked.value)
  if (asked && signal === undefined) report(asked.at, 'untranslated', '`stop_signal` is not a signal')
  const stop: Entries = {
    ...(signal !== undefined && signal !== 'SIGTERM' && { signal }),
    ...(grace && { grace: grace.value }),
  }
  return Object.keys(stop).length > 0 ? { stop } : {}
}

/** COMPOSE_PROFILES selects profiles, as with Compose. */
function profilesOf(fields: Fields, report: Report): Entries | undefined {
  const profiles = textsOf(fields.node('profiles')).flatMap(({ value, at }) => {
    if (/^[\w.-]+$/.test(value)) return [value.replaceAll('.', '\\.')]
    report(at, 'untranslated', 'a profile has letters, digits, `.`, `-` and `_`')
    return []
  })
  return profiles.length === 0
    ? undefined
    : { env: 'COMPOSE_PROFILES', matches: `(^|,)(\\*|${profiles.join('|')})(,|$)` }
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
  const resources = deploy.entries.get('resources')?.value
  if (resources?.kind !== 'mapping') return
  for (const [key, { at }] of resources.entries)
    if (key !== 'limits')
      report(at, 'untranslated', `\`${key}\`: nothing can be reserved for one program of a container`)
  const wanted = resources.entries.get('limits')?.value
  if (wanted?.kind !== 'mapping') return
  for (const [key, { at }] of wanted.entries)
    if (key !== 'memory')
      report(
        at,
        'untranslated',
        `\`${key}\`: there are no cgroups for single programs; \`nice\` and \`limits\` come nearest`,
      )
}

/** Labels for a proxy are routes. */
function reportLabels(fields: Fields, report: Report): void {
  for (const { name, at } of itemsOf(fields, 'labels'))
    if (/^(traefik|caddy|nginx)\b/.test(name))
      report(at, 'untranslated', `\`${name}\`: write it as a route under \`gateway.routes\``)
    else report(at, 'note', 'not needed: labels are for tools that inspect containers')
}
