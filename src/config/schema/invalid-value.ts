import type { DiagnosticCode } from '../diagnostics.ts'

/**
 * A value that is refused with its own explanation; neither `problem` nor `hint` repeats the value, which may be a
 * secret.
 */
export class InvalidValue {
  /** Continues "the value ...": `has a path`. */
  readonly problem: string
  readonly hint: string
  /** What to write. It repeats the value, so it is shown only if the value has no variables in it. */
  readonly instead: string | undefined

  constructor(problem: string, hint: string, instead?: string) {
    this.problem = problem
    this.hint = hint
    this.instead = instead
  }
}

/** What a custom zod issue carries to describe-issue.ts. */
export interface IssueFacts {
  /** Continues "expected ...". */
  readonly expected?: string
  /** The allowed words, if they can be listed. */
  readonly words?: readonly string[]
  readonly invalid?: InvalidValue
  /** The value must not be shown, not even as written. */
  readonly secret?: boolean
  /** With `code` and `hint`, the issue's message is a whole sentence about a mapping. */
  readonly code?: DiagnosticCode
  readonly hint?: string
}

/** An issue with a mapping as a whole, or with one key of it. */
export function customIssue(code: DiagnosticCode, message: string, hint: string, path: (string | number)[] = []) {
  return { code: 'custom' as const, message, path, params: { code, hint } satisfies IssueFacts }
}
