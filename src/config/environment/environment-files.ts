/** Reads the files of an `environment:` block, or notes them as still to be written. Nothing is written here. */
import { resolve } from 'node:path'
import { codeOf } from '../../shared/errors.ts'
import type { Problem, Severity, SourcePosition } from '../diagnostics.ts'
import type { Evaluation } from '../evaluate.ts'
import { createSchema } from '../schema/environment/environment.ts'
import { deepest, type Located, nameAt, plainValue } from '../yaml/located.ts'
import { type Variables, variable } from './interpolate.ts'
import { generateVariables, type NewVariables } from './new-variables.ts'
import { type Renamed, reportConflicts, withNewNames } from './renamed-variables.ts'
import { type LineProblem, readVariables } from './variable-file.ts'

/** A missing file with `create`. */
export interface FileToCreate {
  /** Absolute. */
  readonly path: string
  /** As written, for messages. */
  readonly name: string
  readonly at: SourcePosition
  readonly variables: NewVariables
}

export interface FilesRead {
  /** Including files still to be written, whose random variables have a placeholder of the right length. */
  readonly variables: Variables
  readonly toCreate: readonly FileToCreate[]
}

interface File {
  readonly path: string
  readonly name: string
  readonly at: SourcePosition
  /** The value of `create`. */
  readonly create: Located | undefined
}

// For a file of another kind, a few lines are enough.
const maxReportedLines = 5

/**
 * Later files win over earlier ones. The schema reports whatever is not `[{ path, create }]`.
 * `around`: the variables that are set without these files.
 * `renamed`: the new names of old names in files.
 */
export function readFiles(
  evaluation: Evaluation,
  files: Located,
  { around, renamed }: { around: Variables; renamed: Renamed },
): FilesRead {
  if (files.kind !== 'list') return { variables: {}, toCreate: [] }
  const toCreate: FileToCreate[] = []
  const existing: { file: File; variables: Variables }[] = []
  const variables: Record<string, string> = {}
  for (const file of files.items.flatMap((item) => fileOf(evaluation, item))) {
    if (file.create && evaluation.facts.kindOf(file.path) === 'absent') {
      const wanted = newVariables(file.create)
      toCreate.push({ path: file.path, name: file.name, at: file.at, variables: wanted })
      Object.assign(
        variables,
        generateVariables(wanted, (length) => 'x'.repeat(length)),
      )
    } else {
      const written = readFile(evaluation, file)
      const read = written && withNewNames(written, renamed)
      if (written)
        reportConflicts(written, renamed, { name: `environment file ${file.name}`, at: file.at }, evaluation.report)
      if (read) existing.push({ file, variables: read })
      Object.assign(variables, read)
    }
  }
  const elsewhere = { ...variables, ...around }
  for (const { file, variables: own } of existing) reportMissingVariables(evaluation, file, { own, elsewhere })
  return { variables, toCreate }
}

function fileOf({ directory }: Evaluation, item: Located): readonly File[] {
  const { node, steps } = deepest(item, ['path'])
  if (steps !== 1 || node.kind !== 'scalar' || !node.value) return []
  const create = deepest(item, ['create'])
  return [
    {
      path: resolve(directory, node.value),
      name: nameAt(item, ['path']),
      at: node.at,
      create: create.steps === 1 ? create.node : undefined,
    },
  ]
}

/** The schema reports what is invalid; until it is fixed it counts as a variable that is set. */
function newVariables(create: Located): NewVariables {
  if (create.kind !== 'mapping') return {}
  const sound = createSchema.safeParse(plainValue(create))
  if (sound.success && create.lost.size === 0) return sound.data
  return Object.fromEntries([...create.entries.keys(), ...create.lost].map((name) => [name, { random: 16 }]))
}

function readFile({ facts, report }: Evaluation, { path, name, at }: File): Variables | undefined {
  const problem = (message: string, hint: string) =>
    report({ code: 'missing-file', at, message: `environment file ${name} ${message}`, hint })
  const kind = facts.kindOf(path)
  if (kind === 'absent') {
    problem('does not exist', 'create it, let `create` do it, or guard it with `when: { file: ... }`')
    return undefined
  }
  if (kind !== 'file') {
    problem(kind === 'directory' ? 'is a folder' : 'is not a regular file', 'name a file with lines `NAME=value`')
    return undefined
  }
  try {
    const { text, risk } = facts.readUntrusted?.(path) ?? { text: facts.read(path) }
    if (risk !== undefined && process.geteuid?.() === 0)
      report({ code: 'untrusted-file', at, ...untrustedFile(name, risk) })
    const { variables, problems } = readVariables(text)
    for (const problem of lineProblems(problems, name)) report({ ...problem, code: 'odd-line', at })
    return variables
  } catch (error) {
    problem(`cannot be read: ${codeOf(error)}`, 'give Gatehouse permission to read it')
    return undefined
  }
}

/** Programs of root may run with it: `PATH` alone is enough to make them run anything. */
function untrustedFile(name: string, risk: string): Pick<Problem, 'severity' | 'message' | 'hint'> {
  const message = `environment file ${name} ${risk}: anyone who can write it controls the environment of programs, even those run by root`
  return {
    severity: 'warning',
    message,
    hint: 'let only root write it (`chown 0`, `chmod go-w`), or give each process a `user`',
  }
}

/** One problem for each of the first, and one for the rest. */
function lineProblems(
  problems: readonly LineProblem[],
  name: string,
): readonly Pick<Problem, 'severity' | 'message' | 'hint'>[] {
  const severityOf = (some: readonly LineProblem[]): Severity =>
    some.some(({ unusable }) => unusable) ? 'error' : 'warning'
  const first = problems.slice(0, maxReportedLines).map((problem) => ({
    severity: severityOf([problem]),
    message: `line ${problem.line}, column ${problem.column} of environment file ${name} ${problem.problem}`,
    hint: problem.hint,
  }))
  const rest = problems.slice(maxReportedLines)
  if (rest.length === 0) return first
  const message = `${rest.length} more lines of environment file ${name} have similar problems`
  return [...first, { severity: severityOf(rest), message, hint: 'name a file with lines `NAME=value`' }]
}

/**
 * A file that exists belongs to the operator and is never changed. So a variable that was added to `create` later is
 * not set: a warning if it was to be a secret, which a program cannot do without.
 */
function reportMissingVariables(
  { report }: Evaluation,
  { create, name, at }: File,
  { own, elsewhere }: { own: Variables; elsewhere: Variables },
): void {
  if (!create) return
  const wanted = newVariables(create)
  const lacking = Object.keys(wanted).filter(
    (key) => !Object.hasOwn(own, key) && variable(elsewhere, key) === undefined,
  )
  if (lacking.length === 0) return
  report({
    severity: lacking.some((key) => typeof wanted[key] !== 'string') ? 'warning' : 'note',
    code: 'lacking-variable',
    at,
    message: `environment file ${name} exists but does not set ${lacking.join(', ')}`,
    hint: '`create` only writes new files: add a line to this one, or set the variable elsewhere',
  })
}
