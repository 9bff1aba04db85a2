/**
 * Whether the programs of commands exist and can be run. Only a warning: the file may be checked on another machine,
 * and a task may create what a later process needs.
 */
import { basename, isAbsolute, resolve } from 'node:path'
import type { Report } from '../../../config/diagnostics.ts'
import { deepest, type Path } from '../../../config/yaml/located.ts'
import {
  absolute,
  type Check,
  isLiteral,
  type PlanContext,
  valuePosition,
  writtenName,
} from '../../resolve/plan-context.ts'

interface Command {
  readonly words: readonly string[]
  /** Path of the list of its words. */
  readonly at: Path
  /** Absolute. */
  readonly directory: string
  readonly path: string | undefined
}

export const programs: Check = (context, report) => {
  if (!context.facts.executionFault) return
  for (const command of [...processCommands(context), ...hookCommands(context)]) {
    checkProgram(context, command, report)
    checkScript(context, command, report)
    checkOperators(context, command, report)
  }
}

function processCommands(context: PlanContext): readonly Command[] {
  return Object.entries(context.config.processes).flatMap(([name, process]) => {
    const directory = absolute(context, process.directory ?? '.')
    // A missing directory is reported already, and everything relative to it would be, too.
    if (context.facts.kindOf(directory) !== 'directory') return []
    const own = ['processes', name]
    const shared = { directory, path: context.launches.get(name)?.environment.PATH }
    const probes = (['startup', 'ready', 'alive'] as const).flatMap((kind) => {
      const probe = process[kind]
      const exec = probe && 'exec' in probe ? probe.exec : undefined
      return exec ? [{ words: exec, at: [...own, kind, 'exec'], ...shared }] : []
    })
    return [{ words: process.command, at: [...own, 'command'], ...shared }, ...probes]
  })
}

function hookCommands(context: PlanContext): readonly Command[] {
  const shared = { directory: context.directory, path: context.environment.PATH }
  const hooks = context.config.hooks.flatMap(({ run }, index) =>
    run ? [{ words: run, at: ['hooks', index, 'run'], ...shared }] : [],
  )
  const dns = context.config.certificates.flatMap(({ use }, index) =>
    use.flatMap(({ acme }, position) =>
      acme?.dns
        ? [{ words: acme.dns.run, at: ['certificates', index, 'use', position, 'acme', 'dns', 'run'], ...shared }]
        : [],
    ),
  )
  return [...hooks, ...dns]
}

function checkProgram(context: PlanContext, { words, at, directory, path }: Command, report: Report): void {
  const fault = context.facts.executionFault?.({ command: words, directory, path })
  if (!fault) return
  const where = wordAt(context, at, 0)
  report({
    severity: 'warning',
    code: 'program-unusable',
    at: valuePosition(context, where ?? at),
    message: `the program ${where ? writtenName(context, where) : 'of this command'} ${fault.what}`,
    hint: splitHint(context, words, at) ?? assignmentHint(words) ?? fault.hint ?? defaultHint(words),
  })
}

/** `PORT=9000 node server.js` sets a variable for a shell only. The value is not repeated: it may be a secret. */
function assignmentHint([first = '']: readonly string[]): string | undefined {
  const [, name] = /^([A-Za-z_]\w*)=/.exec(first) ?? []
  return name && `a command runs without a shell: set the variable in \`environment: { set: { ${name}: ... } }\``
}

/** Shell operators among the arguments of a program that is not a shell. */
function checkOperators(context: PlanContext, { words, at }: Command, report: Report): void {
  if (shells.test(basename(words[0] ?? ''))) return
  const index = words.findIndex((word) => operators.test(word))
  if (index <= 0) return
  report({
    severity: 'warning',
    code: 'program-unusable',
    at: valuePosition(context, wordAt(context, at, index) ?? at),
    message: `\`${words[index]}\` is passed to the program as an argument: a command runs without a shell`,
    hint: 'to use a shell, write `[sh, -c, "..."]`',
  })
}

const shells = /^(?:[a-z]*sh|env|xargs|find|test|\[)$/
const operators = /^(?:\||\|\||&&|;|[12]?>>?|[12&]>&?[12]?|<)$/

const relativeHint =
  'create it, or correct the path; paths of a command are relative to `directory`, by default the folder of this file'

function defaultHint([name = '']: readonly string[]): string {
  if (name.includes('/') && !isAbsolute(name)) return relativeHint
  return 'install it where this file will run, or correct the command'
}

/** `["node api/server.js"]` → "write each word as an item: `[node, api/server.js]`". */
function splitHint(context: PlanContext, words: readonly string[], at: Path): string | undefined {
  const [name = ''] = words
  const isPlain = words.every((_, index) => {
    const where = wordAt(context, at, index)
    return where !== undefined && isLiteral(context, where)
  })
  if (!/\s/.test(name) || !isPlain) return undefined
  const split = [...name.trim().split(/\s+/), ...words.slice(1)]
  if (split.some((word) => !/^[\w./@%+=:-]+$/.test(word))) return undefined
  return `write each word as an item: \`[${split.join(', ')}]\``
}

/** Interpreters whose first argument is a script, with the extensions that they may add to its name. */
const interpreters: readonly (readonly [name: RegExp, endings: readonly string[]])[] = [
  [/^(node|nodejs)$/, ['', '.js', '.cjs', '.json', '.node']],
  [/^(python[\d.]*|ruby|perl|php|bash|sh|dash|zsh|ash|tsx)$/, ['']],
]

function checkScript(context: PlanContext, { words, at, directory }: Command, report: Report): void {
  const [program = ''] = words
  const known = interpreters.find(([name]) => name.test(basename(program)))
  const index = basename(program) === 'java' ? words.indexOf('-jar') + 1 : known ? 1 : 0
  const script = words[index]
  // An option or a placeholder: the script cannot be known here.
  if (index === 0 || script === undefined || /^-|\{/.test(script) || script === '') return
  const endings = known?.[1] ?? ['']
  if (endings.some((ending) => context.facts.kindOf(resolve(directory, script + ending)) !== 'absent')) return
  const where = wordAt(context, at, index)
  report({
    severity: 'warning',
    code: 'program-unusable',
    at: valuePosition(context, where ?? at),
    message: `the script ${where ? writtenName(context, where) : 'of this command'} does not exist`,
    hint: relativeHint,
  })
}

/** Path of a word, if it and all before it are items of their own. */
function wordAt({ content }: PlanContext, at: Path, index: number): Path | undefined {
  const { node, steps } = deepest(content.tree, at)
  if (steps < at.length || node.kind !== 'list') return undefined
  return node.items.slice(0, index + 1).every(({ kind }) => kind === 'scalar') ? [...at, index] : undefined
}
