/** What is wrong with a config file, where, and how to fix it. */

/** A position in the config file; line and column count from 1. */
export interface SourcePosition {
  readonly file: string
  readonly line: number
  readonly column: number
}

/** `error`: there is no plan. `warning`: probably not what was meant. `note`: worth knowing, nothing to fix. */
export type Severity = 'error' | 'warning' | 'note'

export type DiagnosticCode =
  | 'file-unreadable'
  | 'foreign-file'
  | 'yaml-syntax'
  | 'yaml-too-large'
  | 'duplicate-key'
  | 'bad-variable-syntax'
  | 'variable-not-set'
  | 'unknown-key'
  | 'missing-key'
  | 'wrong-type'
  | 'wrong-value'
  | 'bad-name'
  | 'choose-one'
  | 'contradiction'
  | 'nothing-to-do'
  | 'missing-file'
  | 'odd-line'
  | 'untrusted-file'
  | 'lacking-variable'
  | 'unknown-process'
  | 'unknown-listener'
  | 'unknown-user'
  | 'unknown-account'
  | 'program-unusable'
  | 'missing-tool'
  | 'port-needed'
  | 'dependency-cycle'
  | 'dependency-never-met'
  | 'address-clash'
  | 'certificate-needed'
  | 'everyone-trusted'
  | 'budget-short'
  | 'route-shadowed'
  | 'route-excluded'

export interface Diagnostic {
  readonly severity: Severity
  readonly code: DiagnosticCode
  readonly file: string
  readonly line: number
  readonly col: number
  /** One sentence without a full stop. Never the value of a variable: it may be a secret. */
  readonly message: string
  /** How to fix it. */
  readonly hint?: string
}

export interface Problem {
  /** Default: `error`. */
  readonly severity?: Severity
  readonly code: DiagnosticCode
  readonly at: SourcePosition
  readonly message: string
  readonly hint?: string | undefined
}

/** Called for each problem found; the search continues. */
export type Report = (problem: Problem) => void

export function toDiagnostic({ severity = 'error', code, at, message, hint }: Problem): Diagnostic {
  const place = { severity, code, file: at.file, line: at.line, col: at.column, message }
  return hint === undefined ? place : { ...place, hint }
}

export function hasErrors(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some(({ severity }) => severity === 'error')
}

/** In the order of the file. */
export function sortDiagnostics(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  return [...diagnostics].sort((a, b) => a.line - b.line || a.col - b.col)
}

/** `file:line:col: error: message`, in the format of compilers that editors can follow; the hint is indented below. */
export function formatDiagnostic({ file, line, col, severity, message, hint }: Diagnostic): string {
  const sentence = `${file}:${line}:${col}: ${severity}: ${message}`
  return hint === undefined ? sentence : `${sentence}\n    ${hint}`
}
