/** A `[program:NAME]` section as processes. */

import { secondsWritten } from '../../shared/time/duration.ts'
import { hasVariable, marked, written } from '../marked.ts'
import { portOf } from '../merge/known-port.ts'
import { type Entries, isEntries, type Value } from '../reading.ts'
import type { Place, Report } from '../reports.ts'
import { isAccount } from '../terms/account.ts'
import { ourName } from '../terms/our-name.ts'
import { commandItems, splitCommand, type Word } from '../terms/words.ts'
import type { Known } from './expansion.ts'
import type { Section } from './ini.ts'
import { type Keys, keysOf, type Read } from './keys.ts'
import { type LogFiles, readLogFiles } from './log-files.ts'
import { restartEntries } from './restart.ts'
import { setEntries, variablesOf } from './variables.ts'

/** Settings from `[supervisord]` and a `[group:...]`. */
export interface ProgramContext {
  readonly group?: { readonly name: string; readonly rank: number | undefined }
  readonly directory?: string
  readonly umask?: string
  readonly user?: string
}

export interface Program {
  readonly name: string
  readonly at: Place
  readonly entries: Entries
  readonly rank: readonly number[] | undefined
  /** See order.ts: it is not restarted when it ends. */
  readonly passing: boolean
  /** Seconds between the stop signal and SIGKILL. */
  readonly grace: Read<number> | undefined
  readonly logs: LogFiles
  /** The place of the command, if the port was derived from it. */
  readonly portAt: Place | undefined
  readonly userAt: Place | undefined
  /** It has no `directory`, so it starts in supervisord's working directory. */
  readonly anywhere: boolean
}

/** One program, or several with `numprocs`; none without a valid command. */
export function readProgram(section: Section, context: ProgramContext, report: Report): readonly Program[] {
  const programName = section.name.slice(section.name.indexOf(':') + 1).trim()
  const known: Known = {
    program_name: programName,
    group_name: context.group?.name ?? programName,
    host_node_name: expandedHost,
  }
  const counts = keysOf(section, known, report)
  const asked = counts.integer('numprocs')
  const numprocs = Math.min(asked?.value ?? 1, maxCopies)
  if (asked && asked.value > maxCopies)
    report(
      asked.at,
      'untranslated',
      `${asked.value} copies are too many for one file: the first ${maxCopies} are imported`,
    )
  const first = counts.integer('numprocs_start')?.value ?? 0
  const each = { ...section, entries: section.entries.filter(({ key }) => !/^numprocs(_start)?$/.test(key)) }
  return Array.from({ length: numprocs }, (_, index) => {
    // Report findings of the first only: the others are the same.
    const say = index === 0 ? report : () => {}
    return readOne(keysOf(each, { ...known, process_num: first + index, numprocs }, say), context, say)
  }).flatMap((program) => program ?? [])
}

const expandedHost = marked('HOSTNAME')

/** Each copy gets its own entry in the file. */
const maxCopies = 100

function readOne(keys: Keys, context: ProgramContext, report: Report): Program | undefined {
  const { section } = keys
  const environment = variablesOf(keys, report)
  const own = Object.fromEntries(environment.map(([name, value]) => [`ENV_${name}`, value]))
  const command = readCommand(keys, own, report)
  if (!command) return undefined
  const name = readName(keys, report)
  const directory = keys.text('directory', own)?.value || context.directory
  const user = readUser(keys, report)
  const port = portOf(
    command.words.map(({ text }) => text),
    environment.find(([name]) => name === 'PORT')?.[1],
  )
  const grace = keys.integer('stopwaitsecs')
  const restart = restartEntries(keys, name, report)
  const entries: Entries = {
    ...withoutUndefined({
      command: commandItems(command.words),
      directory: directory === undefined ? undefined : written(directory),
      user: user ? written(user.value) : context.user,
      umask: readUmask(keys, context, report),
      environment: environment.length === 0 ? undefined : setEntries(environment),
      ready: port === undefined ? undefined : { tcp: port },
    }),
    ...restart,
    ...stopEntries(keys, grace, report),
  }
  const rank = keys.integer('priority')?.value
  const logs = readLogFiles(keys, own)
  reportUnread(keys, report)
  return {
    name,
    at: section.at,
    entries,
    rank: rankOf(context.group?.rank, rank),
    passing: restart.kind === 'task' || (isEntries(restart.restart) && restart.restart.policy === 'never'),
    grace,
    logs,
    portAt: port === undefined ? undefined : command.at,
    userAt: user && !/^(root|0)$/.test(user.value) ? user.at : undefined,
    anywhere: directory === undefined,
  }
}

function rankOf(group: number | undefined, own: number | undefined): readonly number[] | undefined {
  const rank = [group, own].filter((number) => number !== undefined)
  return rank.length > 0 ? rank : undefined
}

function readCommand(
  keys: Keys,
  own: Known,
  report: Report,
): { readonly words: readonly Word[]; readonly at: Place } | undefined {
  const command = keys.text('command', own)
  if (!command) {
    if (!keys.raw('command')) report(keys.section.at, 'untranslated', 'this program has no `command`')
    return undefined
  }
  const split = splitCommand(command.value)
  if (split.ok && split.words[0]?.text) return { words: split.words, at: command.at }
  report(
    command.at,
    'untranslated',
    split.ok ? '`command` is empty' : `\`command\` has a ${split.unclosed} that is not closed`,
  )
  return undefined
}

/** The name of the process, in the characters that ours allow. */
function readName(keys: Keys, report: Report): string {
  const programName = keys.section.name.slice(keys.section.name.indexOf(':') + 1).trim()
  const asked = keys.text('process_name')
  if (asked && hasVariable(asked.value)) {
    report(asked.at, 'untranslated', '`process_name` is known only at startup: the process is named after the program')
    return ourName(programName)
  }
  const theirs = asked?.value ?? programName
  const ours = ourName(theirs)
  const message = `\`${theirs}\` is called \`${ours}\`: names have lower-case letters, digits, \`-\` and \`_\``
  if (ours !== theirs) report(asked?.at ?? keys.section.at, 'changed', message)
  return ours
}

function readUser(keys: Keys, report: Report): Read<string> | undefined {
  const user = keys.text('user')
  if (!user || isAccount(user.value)) return user
  report(user.at, 'untranslated', '`user` is neither a name nor a number')
  return undefined
}

function readUmask(keys: Keys, context: ProgramContext, report: Report): string | undefined {
  const own = keys.text('umask')
  const value = own?.value ?? context.umask
  if (value === undefined) return undefined
  const mask = /^0?o?[0-7]{1,4}$/.test(value.trim()) ? Number.parseInt(value.trim().replace(/^0o/, ''), 8) : undefined
  if (mask !== undefined && mask <= 0o077) return `0${mask.toString(8).padStart(3, '0')}`
  const why = mask === undefined ? 'is not a mask in octal' : 'removes rights of the owner: `0077` at most'
  report(own?.at ?? keys.section.at, 'untranslated', `\`umask\` ${why}`)
  return undefined
}

function stopEntries(keys: Keys, grace: Read<number> | undefined, report: Report): Entries {
  const signal = keys.signal('stopsignal')?.value
  for (const key of ['stopasgroup', 'killasgroup']) {
    const asGroup = keys.boolean(key)
    if (asGroup?.value === false)
      report(asGroup.at, 'changed', 'signals always go to the whole process group, so that no process is left behind')
  }
  const stop: Record<string, Value> = {
    ...(signal !== undefined && signal !== 'SIGTERM' && { signal }),
    ...(grace && { grace: secondsWritten(grace.value) }),
  }
  return Object.keys(stop).length > 0 ? { stop } : {}
}

/** Keys without a translation, and what to report for them. */
const untranslatedKeys: readonly (readonly [key: RegExp, severity: 'untranslated' | 'note', message: string])[] = [
  [/^std(out|err)_events_enabled$/, 'note', 'not needed: the output of programs is always on stdout of the container'],
  [
    /^std(out|err)_capture_maxbytes$/,
    'untranslated',
    'there is no capture mode: let the program call a URL, or use `hooks`',
  ],
  [
    /^std(out|err)_syslog$/,
    'untranslated',
    'syslog is not supported: all output is on stdout, for the log collector of the container',
  ],
  [/^serverurl$/, 'untranslated', 'programs get no SUPERVISOR_SERVER_URL: the control socket speaks HTTP and JSON'],
]

function reportUnread(keys: Keys, report: Report): void {
  for (const { key, value, at } of keys.unread()) {
    const [, severity, message] = untranslatedKeys.find(([pattern]) => pattern.test(key)) ?? []
    if (!severity || !message)
      report(at, 'untranslated', `\`${key}\` is not known to supervisord either: is it misspelt?`)
    // These values are the default.
    else if (!/^(false|no|off|0|auto)$/i.test(value)) report(at, severity, `\`${key}\`: ${message}`)
  }
}

function withoutUndefined(entries: Readonly<Record<string, Value | undefined>>): Entries {
  return Object.fromEntries(Object.entries(entries).filter((entry): entry is [string, Value] => entry[1] !== undefined))
}
