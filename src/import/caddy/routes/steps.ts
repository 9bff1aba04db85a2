/** A site as steps: what happens to which requests, in Caddy's order. */
import type { Entries, Value } from '../../reading.ts'
import type { Requests } from '../directives/requests.ts'
import type { Place } from '../notes.ts'

/** What happens to matching requests before later steps see them. */
export interface Step {
  /** The directive's name, for messages. */
  readonly name: string
  readonly at: Place
  readonly matcher: Matcher
  /** Of the steps of one group only the first match runs. */
  readonly group?: string
  readonly action: StepAction
}

/** Matches what a condition of `any` matches and none of `except`. */
export interface Matcher {
  readonly any: readonly Condition[]
  readonly except: readonly Condition[]
}

/** Paths and files are matched against the path and root as earlier steps left them. */
export interface Condition extends Omit<Requests, 'file'> {
  /** One of these must exist; `{path}` is the path of the request. */
  readonly file?: { readonly root?: string; readonly paths: readonly string[] }
}

export type StepAction =
  | { readonly kind: 'change'; readonly change: Change }
  | { readonly kind: 'answer'; readonly answer: Answer }
  | { readonly kind: 'steps'; readonly steps: readonly Step[] }
  /** The path becomes that of the first existing file, or else the last one. */
  | { readonly kind: 'try'; readonly paths: readonly string[]; readonly otherwise?: Answer }
  | { readonly kind: 'unlogged' }

export type Change = (state: State) => State

/** The name as written, and the rule as `headers` of our file has it. */
export interface HeaderRule {
  readonly name: string
  readonly rule: string | null | readonly string[] | { readonly add: readonly string[] }
}

/** By lower-case name. */
export type HeaderRules = Readonly<Record<string, HeaderRule>>

/** The result of the steps so far. */
export interface State {
  readonly root?: string
  readonly stripPrefix?: string
  /** A template, in which `{path}` is the path without the prefix. */
  readonly rewrite?: string
  readonly request: HeaderRules
  readonly response: HeaderRules
  readonly users?: readonly string[]
  readonly forward?: Entries
  readonly rateLimit?: Entries
  readonly requestBody?: string
  readonly allow?: readonly string[]
  readonly deny?: readonly string[]
  readonly close?: boolean
}

export type Answer = ProxyAnswer | FilesAnswer | RedirectAnswer | StatusAnswer

export interface ProxyAnswer {
  readonly kind: 'proxy'
  readonly targets: readonly string[]
  /** Options of the upstream: `balance`, `health`, `tls`. */
  readonly upstream: Entries
  readonly timeouts: Entries
  readonly request: HeaderRules
  readonly response: HeaderRules
}

export interface FilesAnswer {
  readonly kind: 'files'
  readonly root?: string
  readonly passThrough: boolean
  readonly except: readonly string[]
}

export interface RedirectAnswer {
  readonly kind: 'redirect'
  readonly to: string
  readonly status: number
}

export interface StatusAnswer {
  readonly kind: 'status'
  readonly status: number
  /** Absent: none. */
  readonly body?: string
}

/** A route before it is tidied: some requests and their answer. */
export interface DraftRoute {
  readonly requests: Requests
  readonly state: State
  readonly answer: Answer
  readonly at: Place
}

export type Written = { [key: string]: Value }

export const everything: Matcher = { any: [{}], except: [] }
/** Every address: for `deny`. */
export const everyAddress: readonly string[] = ['0.0.0.0/0', '::/0']

export const initialState: State = { request: {}, response: {} }
