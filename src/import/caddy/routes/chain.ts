/**
 * Runs the steps of a site symbolically, for sets of requests: each set that the steps treat alike becomes one route.
 * If a step is for some requests only, these continue as a set of their own, in front of the others, because the first
 * matching route wins.
 */

import { type Common, common, covers, type Requests } from '../directives/requests.ts'
import type { Notes, Place } from '../notes.ts'
import { originalRequests } from '../syntax/original-requests.ts'
import { type Answer, type Condition, type DraftRoute, initialState, type State, type Step } from './steps.ts'

/** Far above any real site; they stop one whose conditions multiply. */
const maxSteps = 20_000
const maxRoutes = 500
/** In one block: each is a nested call. */
const maxDirectives = 1_000

/** If in doubt, these apply to more requests rather than to fewer. */
const guards = new Set(['basic_auth', 'basicauth', 'forward_auth', 'abort', 'error', 'respond'])

const modifiers = new Set(['header', 'request_header', 'request_body', 'rate_limit', 'log_skip', 'skip_log'])

interface Group {
  readonly requests: Requests
  readonly state: State
  /** The larger group that it was split from. */
  readonly parent?: Parent
}

interface Parent extends Group {
  /** The step that split it. */
  readonly step: Step
  /** Continues with some of its requests as if they had not been split off. */
  resume(requests: Requests): void
}

export interface Chain {
  readonly routes: readonly DraftRoute[]
  /** Path patterns that are not logged. */
  readonly unlogged: readonly string[]
  /** Some requests get no answer. */
  readonly open: boolean
}

/** `hosts` are those of the site; undefined: all. */
export function runSteps(steps: readonly Step[], hosts: readonly string[] | undefined, notes: Notes): Chain {
  const run = new Run(notes)
  run.all(steps, { requests: hosts ? { hosts } : {}, state: initialState }, () => {
    run.open = true
  })
  run.reportSkipped()
  return { routes: run.routes, unlogged: [...run.unlogged], open: run.open }
}

class Run {
  readonly routes: DraftRoute[] = []
  readonly unlogged = new Set<string>()
  open = false
  readonly #notes: Notes
  #done = 0
  #full = false
  /** Steps that do not apply to requests that match two of these patterns. */
  readonly #skipped = new Map<Step, Set<string>>()

  constructor(notes: Notes) {
    this.#notes = notes
  }

  all([step, ...others]: readonly Step[], group: Group, then: (group: Group) => void): void {
    if (this.#full || this.#answered(group.requests)) return
    if (!step) {
      then(group)
      return
    }
    this.#done += 1
    if (this.#done > maxSteps || this.routes.length > maxRoutes || others.length > maxDirectives) {
      this.#full = true
      this.#notes.untranslated(
        step.at,
        `\`${step.name}\`: the conditions of this site expand to too many routes; simplify them`,
      )
      return
    }
    if (step.action.kind === 'unlogged') {
      for (const condition of step.matcher.any)
        for (const { requests } of this.#parts(group, condition, { ...group, step, resume() {} }))
          this.#unlog(requests, step.at)
      this.all(others, group, then)
      return
    }
    const behind = step.group === undefined ? others : others.filter((other) => other.group !== step.group)
    const resume = (after: Group) => this.all(behind, after, then)
    const undone: Parent = { ...group, step, resume: (requests) => this.all(others, { ...group, requests }, then) }
    const done: Parent = { ...group, step, resume: (requests) => this.#perform(step, { ...group, requests }, resume) }
    for (const condition of step.matcher.except)
      for (const part of this.#parts(group, condition, done)) {
        this.all(others, part, then)
        if (covers(part.requests, group.requests)) return
      }
    for (const condition of step.matcher.any)
      for (const part of this.#parts(group, condition, undone)) {
        this.#perform(step, part, resume)
        if (covers(part.requests, group.requests)) return
      }
    this.all(others, group, then)
  }

  #perform(step: Step, group: Group, then: (group: Group) => void): void {
    const { action } = step
    const { state, requests } = group
    switch (action.kind) {
      case 'change':
        then({ ...group, state: action.change(state) })
        return
      case 'steps':
        this.all(action.steps, group, then)
        return
      case 'answer':
        this.#addRoute(group, action.answer, step.at)
        return
      case 'try': {
        const last = action.otherwise ? undefined : action.paths.at(-1)
        for (const path of action.paths) {
          const next = { ...state, rewrite: path.replace('{path}', state.rewrite ?? '{path}') }
          // The last file is assumed to exist: without it there is nothing to serve.
          const file = path === last ? {} : { file: { root: state.root ?? '.', path: next.rewrite } }
          if (requests.file) {
            then(group)
            return
          }
          then({ ...group, requests: { ...requests, ...file }, state: path === '{path}' ? state : next })
        }
        if (action.otherwise) this.#addRoute(group, action.otherwise, step.at)
      }
    }
  }

  #skip(step: Step, lost: Common['lost']): void {
    const skipped = this.#skipped.get(step) ?? new Set()
    this.#skipped.set(step, skipped)
    for (const pattern of lost.flat()) skipped.add(pattern)
  }

  reportSkipped(): void {
    for (const [step, skipped] of this.#skipped) {
      const patterns = [...skipped].slice(0, 8).map((pattern) => `\`${pattern}\``)
      const more = skipped.size > 8 ? ` and ${skipped.size - 8} more` : ''
      const message = `not applied to requests that match two of these, because no pattern matches both: ${patterns.join(', ')}${more}`
      this.#notes.changed(step.at, `\`${step.name}\`: ${message}`)
    }
  }

  /** The requests of the group that meet the condition, split from `parent`. */
  #parts(group: Group, condition: Condition, parent: Parent): Group[] {
    return originalRequests(condition, group.state, group.requests).flatMap((wanted) => {
      const { requests, lost } = common(group.requests, wanted)
      const rest = lost.length > 0 ? this.#splitOff(group, wanted, { lost, step: parent.step }) : []
      if (!requests) return rest
      const from = covers(requests, group.requests) ? group.parent : parent
      return [...rest, { requests, state: group.state, ...(from && { parent: from }) }]
    })
  }

  /**
   * Requests of the group that meet the condition, but that no pattern matches exactly, such as those of `/api/*` and
   * `*.js`. They continue in front of the group, as if they had never been split off.
   */
  #splitOff(group: Group, wanted: Requests, { lost, step }: { lost: Common['lost']; step: Step }): Group[] {
    const patterns = [...new Set(lost.flat())].map((pattern) => `\`${pattern}\``).join(' and ')
    // A modifier does not change the answer, so it can be left out.
    if (modifiers.has(step.name)) {
      this.#skip(step, lost)
      return []
    }
    for (let { parent } = group; parent; parent = parent.parent) {
      const again = common(parent.requests, wanted)
      if (!again.requests || again.lost.length > 0) continue
      if (isGuardedMore(group.state, parent.state)) {
        if (!refuses(step)) break
        this.#refuse(parent, wanted, { lost, step })
        return []
      }
      if (this.#answered(again.requests)) return []
      this.#skip(parent.step, lost)
      parent.resume(again.requests)
      return []
    }
    if (guards.has(step.name)) {
      this.#notes.changed(
        step.at,
        `\`${step.name}\`: no pattern matches exactly what both ${patterns} match, so more than that is guarded`,
      )
      return [group]
    }
    this.#notes.untranslated(
      step.at,
      `\`${step.name}\`: no pattern matches exactly what both ${patterns} match; write a route for it`,
    )
    return []
  }

  /**
   * A refusal does not need the password check first: refuse everything that these patterns match in front of it,
   * rather than everything behind it.
   */
  #refuse(parent: Parent, wanted: Requests, { lost, step }: { lost: Common['lost']; step: Step }): void {
    const intended = wanted.paths?.filter((path) => lost.some(([, other]) => other === path)) ?? []
    const { requests } = common(parent.requests, intended.length > 0 ? { ...wanted, paths: intended } : wanted)
    if (!requests) return
    const which = intended.map((path) => `\`${path}\``).join(', ') || 'all of it'
    this.#notes.changed(step.at, `\`${step.name}\`: applied before the password check, for ${which}`)
    this.#perform(step, { ...parent, requests }, () => {})
  }

  #addRoute({ requests, state }: Group, answer: Answer, at: Place): void {
    if (!this.#answered(requests)) this.routes.push({ requests, state, answer, at })
  }

  /** Whether an earlier route answers all of them. */
  #answered(requests: Requests): boolean {
    return this.routes.some((route) => !isContinued(route) && covers(route.requests, requests))
  }

  #unlog({ paths, methods, headers, file }: Requests, at: Place): void {
    if (methods || headers || file || !paths)
      this.#notes.untranslated(at, '`log_skip`: `accessLog.skip` takes path patterns only')
    else for (const path of paths) this.unlogged.add(path)
  }
}

function refuses({ action }: Step): boolean {
  return action.kind === 'answer' && action.answer.kind === 'status' && action.answer.status >= 400
}

function isContinued({ answer }: DraftRoute): boolean {
  return answer.kind === 'files' && (answer.passThrough || answer.except.length > 0)
}

/** Whether their guards differ. */
function isGuardedMore(one: State, other: State): boolean {
  const guardsOf = ({ users, forward, allow, deny }: State) => JSON.stringify({ users, forward, allow, deny })
  return guardsOf(one) !== guardsOf(other)
}
