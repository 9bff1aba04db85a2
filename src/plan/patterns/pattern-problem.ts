/** Why a pattern is invalid, or can match no request. */
export interface PatternProblem {
  /** Continues "`pattern` ...". */
  readonly problem: string
  readonly hint: string
  /** The right spelling. It holds what was written, so it is shown only where that may be. */
  readonly instead?: string
}
