/** Why a request is answered with an error before it is routed. `cause` is for the log only. */
export interface Refusal {
  readonly status: 400 | 408 | 413 | 417 | 431 | 501 | 505
  readonly cause: string
}
