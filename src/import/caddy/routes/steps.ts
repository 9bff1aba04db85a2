/** A site, understood: what is done to which requests, in the order in which Caddy does it. */
import type { Entries, Value } from '../../reading.ts'
import type { Requests } from '../directives/requests.ts'
import type { Place } from '../notes.ts'

/** What is done with requests that match, before later steps see them. */
export interface Step {
  /** The directive's name, for sentences. */
  readonly name: string
  readonly at: Place
  readonly matcher: Matcher
  /** Of the steps with the same one only the first that matches is done. */
  readonly group?: string
  readonly does: Deed
}

/** Those of `any`, without those of `except`. */
export interface Matcher {
  readonly any: readonly Condition[]
  readonly except: readonly Condition[]
}

/** Paths and files are judged by the path as it is by then, and the root. */
export interface Condition extends Omit<Requests, 'file'> {
  /** One of these must exist; `{path}` is the path of the request. */
  readonly file?: { readonly root?: string; readonly paths: readonly string[] }
}

export type Deed =
  | { readonly kind: 'change'; readonly change: Change }
  | { readonly kind: 'answer'; readonly answer: Answer }
  | { readonly kind: 'steps'; readonly steps: readonly Step[] }
  /** The path becomes that of the first that exists, else the last one. */
  | { readonly kind: 'try'; readonly paths: readonly string[]; readonly otherwise?: Answer }
  | { readonly kind: 'unlogged' }

export type Change = (state: State) => State

/** Name as it was written, and what is done to it: as `headers` of our file says it. */
export interface HeaderRule {
  readonly name: string
  readonly rule: string | null | readonly string[] | { readonly add: readonly string[] }
}

/** By lower-case name. */
export type HeaderRules = Readonly<Record<string, HeaderRule>>

/** What the steps so far have done. */
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
  /** Of an upstream: `balance`, `health`, `tls`. */
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

/** One route to be: these requests are answered so. */
export interface Drawn {
  readonly requests: Requests
  readonly state: State
  readonly answer: Answer
  readonly at: Place
}

export type Written = { [key: string]: Value }

export const everything: Matcher = { any: [{}], except: [] }
/** Every address: for `deny`. */
export const everyAddress: readonly string[] = ['0.0.0.0/0', '::/0']

export const untouched: State = { request: {}, response: {} }
