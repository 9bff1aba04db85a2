/** Reads supervisord's configuration, from all its files, as a part of ours. */

import { secondsWritten } from '../../shared/time/duration.ts'
import { marked } from '../marked.ts'
import type { PlacedReading } from '../placed.ts'
import type { Comment, Entries, Finding, Value } from '../reading.ts'
import type { Report } from '../reports.ts'
import { ourName } from '../terms/our-name.ts'
import { type IniSource, readFiles } from './files.ts'
import type { Section } from './ini.ts'
import { type Keys, keysOf } from './keys.ts'
import { decideLogs } from './log-files.ts'
import { inStartOrder, predecessors } from './order.ts'
import { type Program, type ProgramContext, readProgram } from './program.ts'
import { readSettings, type Settings } from './settings.ts'

/** Several files are read like one with includes: supervisord's main file and those in its `conf.d`. */
export function readSupervisord(sources: readonly IniSource[]): PlacedReading {
  const findings: Finding[] = []
  const report: Report = ({ file, line, column }, severity, message) =>
    findings.push({ file, line, column, severity, message })
  const sections = readFiles(sources, report)
  const isProgram = ({ name }: Section) => name.startsWith('program:')
  const isGroup = ({ name }: Section) => name.startsWith('group:')
  const settings = readSettings(
    sections.filter((section) => !isProgram(section) && !isGroup(section)),
    { host_node_name: marked('HOSTNAME') },
    report,
  )
  const groups = sections.filter(isGroup).map((section) => readGroup(keysOf(section, {}, report), report))
  const programs = distinct(
    sections.filter(isProgram).flatMap((section) => readProgram(section, contextOf(section, settings, groups), report)),
    report,
  )
  return { ...assembled(inStartOrder(programs), settings, report), findings }
}

interface Group {
  readonly name: string
  readonly programs: readonly string[]
  readonly rank: number | undefined
}

function readGroup(keys: Keys, report: Report): Group {
  const name = ourName(keys.section.name.slice('group:'.length))
  const programs = (keys.text('programs')?.value ?? '').split(',').map((program) => program.trim())
  report(
    keys.section.at,
    'note',
    'a group only gives `supervisorctl` a name for several programs: each has its own name here',
  )
  return { name, programs, rank: keys.integer('priority')?.value }
}

function contextOf({ name }: Section, settings: Settings, groups: readonly Group[]): ProgramContext {
  const group = groups.find(({ programs }) => programs.includes(name.slice('program:'.length)))
  const { directory, umask, user } = settings
  return {
    ...(group && { group }),
    ...(directory !== undefined && { directory }),
    ...(umask !== undefined && { umask }),
    ...(user !== undefined && { user }),
  }
}

function distinct(programs: readonly Program[], report: Report): readonly Program[] {
  return programs.filter(({ name, at }, index) => {
    const first = programs.findIndex((program) => program.name === name) === index
    if (!first)
      report(at, 'untranslated', `another program is called \`${name}\` already: give one of them another name`)
    return first
  })
}

function assembled(programs: readonly Program[], settings: Settings, report: Report): Omit<PlacedReading, 'findings'> {
  const order = predecessors(programs)
  const { log, without } = decideLogs(programs, report)
  const budget = stopBudget(programs)
  const processes = programs.map((program): [string, Entries] => {
    const before = order.get(program.name) ?? []
    const dependsOn: Value = Object.fromEntries(before.map((name) => [name, 'started']))
    return [
      program.name,
      {
        ...program.entries,
        ...(before.length > 0 && { dependsOn }),
        ...(without.has(program.name) && { output: { files: false } }),
      },
    ]
  })
  reportTogether(programs, order, report)
  return {
    config: {
      ...(settings.environment && { environment: settings.environment }),
      ...(settings.users && { users: settings.users }),
      ...(processes.length > 0 && { processes: Object.fromEntries(processes) }),
      ...(budget !== undefined && { shutdown: { budget: secondsWritten(budget) } }),
      ...((log || settings.level) && { log: { ...(settings.level && { level: settings.level }), ...log } }),
    },
    comments: programs.map(
      ({ name, at }): Comment => ({ path: ['processes', name], text: `from ${at.file}:${at.line}` }),
    ),
    ...(settings.page && { page: settings.page }),
    places: programs.map(({ name, at }) => ({ path: ['processes', name], at })),
  }
}

/** Reports findings that apply to many programs, grouped by reason. */
function reportTogether(
  programs: readonly Program[],
  order: ReadonlyMap<string, readonly string[]>,
  report: Report,
): void {
  for (const { portAt } of programs)
    if (portAt) report(portAt, 'note', '`ready` probes the usual port of this program: check that it is the right one')
  for (const { userAt } of programs)
    if (userAt) report(userAt, 'changed', 'HOME, USER and LOGNAME are those of the user; supervisord keeps its own')
  for (const { anywhere, at } of programs)
    if (anywhere)
      report(
        at,
        'changed',
        'it starts in the folder of the new file, not where supervisord was started: give it a `directory` if it matters',
      )
  for (const { name, at } of programs)
    if ((order.get(name) ?? []).length > 0)
      report(
        at,
        'changed',
        '`priority` became `dependsOn: started`: the order is the same, but if a program is given up, those after it wait for it',
      )
}

/** The total stop time: supervisord stops one number after the other and waits for each. */
function stopBudget(programs: readonly Program[]): number | undefined {
  const stages = new Map<string, number>()
  for (const { rank, grace } of programs) {
    const stage = rank?.join('.') ?? ''
    stages.set(stage, Math.max(stages.get(stage) ?? 0, grace?.value ?? defaultGrace))
  }
  const all = [...stages.values()].reduce((sum, grace) => sum + grace, 0)
  return programs.some(({ grace }) => grace !== undefined) && all > defaultBudget ? all : undefined
}

/** Both in seconds: `stopwaitsecs` of supervisord, `shutdown.budget` of ours. */
const defaultGrace = 10
const defaultBudget = 30
