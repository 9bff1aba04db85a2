/**
 * The steps of a site, done once for all requests at a time: for each set of requests that the steps treat alike comes out one route.
 * Where a step is for some requests only, these go on as a set of their own, in front of the others: of our routes the first
 * that matches wins.
 */
import type { Notes, Place } from './notes.ts'
import { type Common, common, covers, pathMatches, type Requests } from './requests.ts'
import type { Answer, Change, Condition, Drawn, State, Step } from './steps.ts'
import { everything, untouched } from './steps.ts'

/** Far above any real site; it ends one whose conditions multiply. */
const mostSteps = 50_000
const mostRoutes = 2_000
/** In one block: each is a call inside of the one before. */
const mostDirectives = 1_000

/** What they keep from clients is rather kept from too many. */
const guards = new Set(['basic_auth', 'basicauth', 'forward_auth', 'abort', 'error', 'respond'])

interface Group {
  readonly requests: Requests
  readonly state: State
  /** The larger one that it was parted from, as it would have gone on. */
  readonly whole?: Group
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
  return { routes: run.routes, unlogged: [...run.unlogged], open: run.open }
}

class Run {
  readonly routes: Drawn[] = []
  readonly unlogged = new Set<string>()
  open = false
  readonly #notes: Notes
  #done = 0

  constructor(notes: Notes) {
    this.#notes = notes
  }

  all([step, ...others]: readonly Step[], group: Group, then: (group: Group) => void): void {
    if (this.#answered(group.requests)) return
    if (!step) {
      then(group)
      return
    }
    this.#done += 1
    if (this.#done > mostSteps || this.routes.length > mostRoutes || others.length > mostDirectives) {
      this.#notes.untranslated(
        step.at,
        `\`${step.name}\`: the conditions of this site come to more routes than can be written; make it smaller`,
      )
      return
    }
    if (step.does.kind === 'unlogged') {
      for (const condition of step.matcher.any)
        for (const { requests } of this.#parts(group, condition, step)) this.#unlog(requests, step.at)
      this.all(others, group, then)
      return
    }
    const behind = step.group === undefined ? others : others.filter((other) => other.group !== step.group)
    // For those that no pattern parts from the others, it is done.
    const done = step.does.kind === 'change' ? { ...group, state: step.does.change(group.state) } : undefined
    for (const condition of step.matcher.except)
      for (const { whole: _, ...part } of this.#parts(group, condition, step)) {
        this.all(others, { ...part, ...(done && { whole: done }) }, then)
        if (covers(part.requests, group.requests)) return
      }
    for (const condition of step.matcher.any)
      for (const { whole, ...part } of this.#parts(group, condition, step)) {
        // Among the steps of a block the larger group has no place: it passes the block by.
        this.#perform(step, done && whole ? { ...part, whole } : part, (after) => this.all(behind, after, then))
        if (covers(part.requests, group.requests)) return
      }
    this.all(others, group, then)
  }

  #perform(step: Step, group: Group, then: (group: Group) => void): void {
    const { does } = step
    const { state, requests } = group
    switch (does.kind) {
      case 'change':
        then(changed(group, does.change, step.matcher === everything))
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

  /** Those of the group that meet the condition. */
  #parts(group: Group, condition: Condition, step: Step): Group[] {
    return alternativesOf(condition, group).flatMap((wanted) => {
      const { requests, lost }: Common = common(group.requests, wanted)
      // A part of the group that no pattern says goes the way that it would have gone as a part of the whole.
      const strays = lost.length > 0 ? this.#stray(group, wanted, { lost, step }) : []
      if (!requests) return strays
      return [...strays, { requests, state: group.state, ...(!covers(requests, group.requests) && { whole: group }) }]
    })
  }

  #stray(group: Group, wanted: Requests, { lost, step }: { lost: Common['lost']; step: Step }): Group[] {
    const pairs = lost.map(([one, other]) => `\`${one}\` and \`${other}\``).join(', ')
    const { whole } = group
    const again = whole && common(whole.requests, wanted)
    if (again?.requests && this.#answered(again.requests)) return []
    if (whole && again?.requests && again.lost.length === 0) {
      this.#notes.changed(
        step.at,
        `\`${step.name}\`: what only ${pairs} together say is treated as if the condition in front were not met`,
      )
      return [{ requests: again.requests, state: whole.state, whole }]
    }
    if (guards.has(step.name)) {
      const message = `no pattern says what both ${pairs} match, so more than that is guarded`
      this.#notes.changed(step.at, `\`${step.name}\`: ${message}`)
      return [group]
    }
    this.#notes.untranslated(
      step.at,
      `\`${step.name}\`: no pattern says what both ${pairs} match; write a route for it`,
    )
    return []
  }

  #draw({ requests, state }: Group, answer: Answer, at: Place): void {
    if (!this.#answered(requests)) this.routes.push({ requests, state, answer, at })
  }

  /** Whether an earlier route takes all of them. One for existing files only may let them pass. */
  #answered(requests: Requests): boolean {
    return this.routes.some((route) => !goesOn(route) && covers(route.requests, requests))
  }

  #unlog({ paths, methods, headers, file }: Requests, at: Place): void {
    if (methods || headers || file || !paths)
      this.#notes.untranslated(at, '`log_skip`: what is not logged is said by patterns of paths, in `accessLog.skip`')
    else for (const path of paths) this.unlogged.add(path)
  }
}

function goesOn({ requests, answer }: Drawn): boolean {
  return requests.file !== undefined || (answer.kind === 'files' && (answer.passThrough || answer.except.length > 0))
}

/** What happens to all requests happens to the larger group, too. */
function changed(group: Group, change: Change, toAll: boolean): Group {
  const whole = group.whole && toAll ? changed(group.whole, change, toAll) : group.whole
  return { ...group, state: change(group.state), ...(whole && { whole }) }
}

/** The condition as one about requests as they came, where the path has been changed on the way. */
function alternativesOf({ file, ...rest }: Condition, { state, requests }: Group): readonly Requests[] {
  const paths = rest.paths && pathsBefore(rest.paths, state, requests)
  if (paths?.length === 0) return []
  const asked: Requests = { ...rest }
  const { paths: _, ...others } = asked
  const known: Requests = paths === undefined || paths.includes('/*') ? others : { ...others, paths }
  if (!file) return [known]
  const root = file.root ?? state.root ?? '.'
  return file.paths.map((path) => ({
    ...known,
    file: { root, path: path.replace('{path}', state.rewrite ?? '{path}') },
  }))
}

function pathsBefore(
  patterns: readonly string[],
  { stripPrefix, rewrite }: State,
  requests: Requests,
): readonly string[] {
  const unwritten = rewrite === undefined ? patterns : patterns.flatMap((pattern) => unrewritten(pattern, rewrite))
  if (stripPrefix === undefined) return unwritten
  const inside = covers(
    { paths: [stripPrefix, `${stripPrefix}/*`] },
    { ...(requests.paths && { paths: requests.paths }) },
  )
  return unwritten.flatMap((pattern) => {
    if (pattern === '/*' || pattern.startsWith('*')) return [pattern]
    return inside ? [`${stripPrefix}${pattern}`] : [`${stripPrefix}${pattern}`, pattern]
  })
}

/** The patterns of paths that match when they have become the template. */
function unrewritten(pattern: string, template: string): readonly string[] {
  if (!template.includes('{path}')) return pathMatches(pattern, template) ? ['/*'] : []
  const [front = '', end = ''] = template.split('{path}')
  if (pattern.startsWith('*')) return end === '' ? [pattern] : end.endsWith(pattern.slice(1)) ? ['/*'] : []
  if (pattern === '/*' || (pattern.endsWith('/*') && `${front}/`.startsWith(pattern.slice(0, -1)))) return ['/*']
  return end === '' && pattern.startsWith(`${front}/`) ? [pattern.slice(front.length)] : []
}
