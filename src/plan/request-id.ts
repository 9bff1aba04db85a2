/** How a request gets its name. */
export interface RequestIdPlan {
  /** Name of the header, in lower case. */
  readonly header: string
  /** `uuid-v4`: a client's own id is kept if it is one; `none`: always minted. */
  readonly accept: 'uuid-v4' | 'none'
  /** What client and upstream read where the client sent no id that is accepted; absent: a new one. */
  readonly invalid?: string
  /** Name of the header, in lower case, for a second id that is always ours. */
  readonly internal?: string
}
