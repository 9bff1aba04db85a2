/**
 * The steps of a site, done once for all requests at a time: for each set of requests that the steps treat alike comes out one route.
 * Where a step is for some requests only, these go on as a set of their own, in front of the others: of our routes the first
 * that matches wins.
 */

import { type Common, common, covers, type Requests } from '../directives/requests.ts'
import type { Notes, Place } from '../notes.ts'
import { asTheyCame } from '../syntax/as-they-came.ts'
import { type Answer, type Condition, type Drawn, type State, type Step, untouched } from './steps.ts'

/** Far above any real site; it ends one whose conditions multiply. */
const mostSteps = 20_000
const mostRoutes = 500
/** In one block: each is a call inside of the one before. */
const mostDirectives = 1_000

/** What they keep from clients is rather kept from too many. */
const guards = new Set(['basic_auth', 'basicauth', 'forward_auth', 'abort', 'error', 'respond'])

const adornments = new Set(['header', 'request_header', 'request_body', 'rate_limit', 'log_skip', 'skip_log'])

interface Group {
  readonly requests: Requests
  readonly state: State
  /** The larger one that it was parted from. */
  readonly whole?: Whole
}

interface Whole extends Group {
  /** Why it was parted. */
  readonly step: Step
  /** Has some of its requests go on as if they had not been parted. */
  goOn(requests: Requests): void
}

export interface Chain {
  readonly routes: readonly Drawn[]
  /** Path patterns that are not logged. */
  readonly unlogged: readonly string[]
  /** Some requests are not answered at all. */
  readonly open: boolean
}

/** `hosts`: those of the site; undefined: all. */
export function runSteps(steps: readonly Step[], hosts: readonly string[] | undefined, notes: Notes): Chain {
  const run = new Run(notes)
  run.all(steps, { requests: hosts ? { hosts } : {}, state: untouched }, () => {
    run.open = true
  })
  run.tellUnsaid()
  return { routes: run.routes, unlogged: [...run.unlogged], open: run.open }
}

class Run {
  readonly routes: Drawn[] = []
  readonly unlogged = new Set<string>()
  open = false
  readonly #notes: Notes
  #done = 0
  #full = false
  /** Steps that were not done for what two of these patterns match. */
  readonly #unsaid = new Map<Step, Set<string>>()

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
    if (this.#done > mostSteps || this.routes.length > mostRoutes || others.length > mostDirectives) {
      this.#full = true
      this.#notes.untranslated(
        step.at,
        `\`${step.name}\`: the conditions of this site come to more routes than can be written; make it smaller`,
      )
      return
    }
    if (step.does.kind === 'unlogged') {
      for (const condition of step.matcher.any)
        for (const { requests } of this.#parts(group, condition, { ...group, step, goOn() {} }))
          this.#unlog(requests, step.at)
      this.all(others, group, then)
      return
    }
    const behind = step.group === undefined ? others : others.filter((other) => other.group !== step.group)
    const goOn = (after: Group) => this.all(behind, after, then)
    const undone: Whole = { ...group, step, goOn: (requests) => this.all(others, { ...group, requests }, then) }
    const done: Whole = { ...group, step, goOn: (requests) => this.#perform(step, { ...group, requests }, goOn) }
    for (const condition of step.matcher.except)
      for (const part of this.#parts(group, condition, done)) {
        this.all(others, part, then)
        if (covers(part.requests, group.requests)) return
      }
    for (const condition of step.matcher.any)
      for (const part of this.#parts(group, condition, undone)) {
        this.#perform(step, part, goOn)
        if (covers(part.requests, group.requests)) return
      }
    this.all(others, group, then)
  }

  #perform(step: Step, group: Group, then: (group: Group) => void): void {
    const { does } = step
    const { state, requests } = group
    switch (does.kind) {
      case 'change':
        then({ ...group, state: does.change(state) })
        return
      case 'steps':
        this.all(does.steps, group, then)
        return
      case 'answer':
        this.#draw(group, does.answer, step.at)
        return
      case 'try': {
        const last = does.otherwise ? undefined : does.paths.at(-1)
        for (const path of does.paths) {
          const next = { ...state, rewrite: path.replace('{path}', state.rewrite ?? '{path}') }
          // The last one is taken to exist: if it does not, there is nothing to serve.
          const file = path === last ? {} : { file: { root: state.root ?? '.', path: next.rewrite } }
          if (requests.file) {
            then(group)
            return
          }
          then({ ...group, requests: { ...requests, ...file }, state: path === '{path}' ? state : next })
        }
        if (does.otherwise) this.#draw(group, does.otherwise, step.at)
      }
    }
  }

  #unsay(step: Step, lost: Common['lost']): void {
    const unsaid = this.#unsaid.get(step) ?? new Set()
    this.#unsaid.set(step, unsaid)
    for (const pattern of lost.flat()) unsaid.add(pattern)
  }

  tellUnsaid(): void {
    for (const [step, unsaid] of this.#unsaid) {
      const patterns = [...unsaid].slice(0, 8).map((pattern) => `\`${pattern}\``)
      const more = unsaid.size > 8 ? ` and ${unsaid.size - 8} more` : ''
      const message = `not done for what two of these match, since a pattern says one of them: ${patterns.join(', ')}${more}`
      this.#notes.changed(step.at, `\`${step.name}\`: ${message}`)
    }
  }

  /** Those of the group that meet the condition. `whole` is what they are parted from. */
  #parts(group: Group, condition: Condition, whole: Whole): Group[] {
    return asTheyCame(condition, group.state, group.requests).flatMap((wanted) => {
      const { requests, lost } = common(group.requests, wanted)
      const strays = lost.length > 0 ? this.#stray(group, wanted, { lost, step: whole.step }) : []
      if (!requests) return strays
      const parted = covers(requests, group.requests) ? group.whole : whole
      return [...strays, { requests, state: group.state, ...(parted && { whole: parted }) }]
    })
  }

  /**
   * Requests of the group that meet what is wanted, but that no pattern says: `/api/*` and `*.js`. They go on as if they had never
   * been parted from the others, in front of the group.
   */
  #stray(group: Group, wanted: Requests, { lost, step }: { lost: Common['lost']; step: Step }): Group[] {
    const patterns = [...new Set(lost.flat())].map((pattern) => `\`${pattern}\``).join(' and ')
    // What goes on to the same answer with or without it may go on without it.
    if (adornments.has(step.name)) {
      this.#unsay(step, lost)
      return []
    }
    for (let { whole } = group; whole; whole = whole.whole) {
      const again = common(whole.requests, wanted)
      if (!again.requests || again.lost.length > 0) continue
      if (isGuardedMore(group.state, whole.state)) {
        if (!refuses(step)) break
        this.#refuse(whole, wanted, { lost, step })
        return []
      }
      if (this.#answered(again.requests)) return []
      this.#unsay(whole.step, lost)
      whole.goOn(again.requests)
      return []
    }
    if (guards.has(step.name)) {
      this.#notes.changed(
        step.at,
        `\`${step.name}\`: no pattern says what both ${patterns} match, so more than that is guarded`,
      )
      return [group]
    }
    this.#notes.untranslated(
      step.at,
      `\`${step.name}\`: no pattern says what both ${patterns} match; write a route for it`,
    )
    return []
  }

  /**
   * Whoever is refused need not show a password first: all that these patterns match is refused in front, rather than everything
   * behind the password.
   */
  #refuse(whole: Whole, wanted: Requests, { lost, step }: { lost: Common['lost']; step: Step }): void {
    const meant = wanted.paths?.filter((path) => lost.some(([, other]) => other === path)) ?? []
    const { requests } = common(whole.requests, meant.length > 0 ? { ...wanted, paths: meant } : wanted)
    if (!requests) return
    const which = meant.map((path) => `\`${path}\``).join(', ') || 'all of it'
    this.#notes.changed(step.at, `\`${step.name}\`: done in front of what asks for a password, for ${which}`)
    this.#perform(step, { ...whole, requests }, () => {})
  }

  #draw({ requests, state }: Group, answer: Answer, at: Place): void {
    if (!this.#answered(requests)) this.routes.push({ requests, state, answer, at })
  }

  /** Whether an earlier route takes all of them. */
  #answered(requests: Requests): boolean {
    return this.routes.some((route) => !goesOn(route) && covers(route.requests, requests))
  }

  #unlog({ paths, methods, headers, file }: Requests, at: Place): void {
    if (methods || headers || file || !paths)
      this.#notes.untranslated(at, '`log_skip`: what is not logged is said by patterns of paths, in `accessLog.skip`')
    else for (const path of paths) this.unlogged.add(path)
  }
}

function refuses({ does }: Step): boolean {
  return does.kind === 'answer' && does.answer.kind === 'status' && does.answer.status >= 400
}

function goesOn({ answer }: Drawn): boolean {
  return answer.kind === 'files' && (answer.passThrough || answer.except.length > 0)
}

/** What keeps clients from the one does not keep them from the other. */
function isGuardedMore(one: State, other: State): boolean {
  const guardsOf = ({ users, forward, allow, deny }: State) => JSON.stringify({ users, forward, allow, deny })
  return guardsOf(one) !== guardsOf(other)
}
