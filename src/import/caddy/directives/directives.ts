/** From the directives of a site to its steps, in the order in which Caddy does them. */
import { pathPrefix } from '../../../config/schema/gateway/paths.ts'
import { inOrder, type Sortable, sortingName } from '../routes/order.ts'
import { type Deed, everyAddress, everything, type State, type Step } from '../routes/steps.ts'
import { accepted } from '../syntax/accepted.ts'
import type { Line, Reader, Scope } from '../syntax/lines.ts'
import { ourText } from '../syntax/texts.ts'
import type { Token } from '../syntax/tokens.ts'
import { argumentsOf, type Directive, directiveName } from '../syntax/tree.ts'
import { readFileServer, readRedir, readStatus } from './answers.ts'
import { readBasicAuth, readEncode, readForwardAuth, readRateLimit, readRequestBody } from './guards.ts'
import { readHeader, readRequestHeader } from './headers.ts'
import { type MatcherReading, pathMatcher, readMatcher } from './matchers.ts'
import { readReverseProxy } from './proxy.ts'
import { readRewrite, readRoot, readTryFiles, readUri, stripped } from './rewrites.ts'

const readers: Readonly<Record<string, Reader>> = {
  root: readRoot,
  log_skip: () => [{ kind: 'unlogged' }],
  header: readHeader,
  request_body: readRequestBody,
  redir: readRedir,
  rewrite: readRewrite,
  uri: readUri,
  try_files: readTryFiles,
  rate_limit: readRateLimit,
  basic_auth: readBasicAuth,
  forward_auth: readForwardAuth,
  request_header: readRequestHeader,
  encode: readEncode,
  abort: readStatus,
  error: readStatus,
  respond: readStatus,
  reverse_proxy: readReverseProxy,
  file_server: readFileServer,
}

/** What has nothing like it here, and what comes near. */
const nearest: Readonly<Record<string, string>> = {
  php_fastcgi: 'FastCGI is not spoken; put a web server that does behind a route with `to`',
  templates: '`files.render` puts variables of the environment into pages',
  metrics: '`metrics: { address: 127.0.0.1:9600 }` serves them on an address of their own',
  tracing: 'traceparent is passed on as it comes',
  acme_server: 'certificates are issued for our own listeners only',
  map: 'write a route for each value',
  vars: 'write the values where they are used',
  method: 'a request keeps its method',
  push: 'browsers do not take pushed answers any more; a `Link` header in `response.headers` does what is left of it',
  invoke: 'write the directives of the named route where it is called',
  intercept: 'an answer of an upstream is passed on as it is',
  log_append: 'the access log has the same fields for every request',
  log_name: 'there is one access log',
  fs: 'files are those of the system',
}

/** Judged with the site as a whole, and not in the way of a request. */
const ofSites = new Set(['tls', 'log', 'bind', 'handle_errors'])

/** Without a matcher that can be said they are for everybody: what they guard stays guarded. */
const guards = new Set(['basic_auth', 'basicauth', 'forward_auth'])

/** For some addresses only they are `allow` or `deny`. */
const denying = new Set(['abort', 'error', 'respond'])

/** Those whose first word is never a matcher. */
const matchesAll = new Set(['try_files'])

/** With one word they have no matcher, even if it begins with `/`. */
const alone = new Set(['root', 'rewrite', 'redir'])

/** The steps of one block. `kept`: in the order in which they are written, as in `route`. */
export function stepsOf(directives: readonly Directive[], scope: Scope, kept = false): readonly Step[] {
  const definitions = directives.filter((one) => directiveName(one).startsWith('@'))
  const matchers = new Map([
    ...scope.matchers,
    ...definitions.map((one) => [directiveName(one), readMatcher(one, scope.notes)] as const),
  ])
  const inner = { ...scope, matchers }
  const sortable = directives
    .filter((one) => !directiveName(one).startsWith('@') && !ofSites.has(directiveName(one)))
    .flatMap((directive) => readDirective(directive, inner))
  const grouped = sortable.map((one) => ({ ...one, step: inGroup(one.step) }))
  return kept ? grouped.map(({ step }) => step) : inOrder(grouped, scope.order)
}

/** Of these, only the first that matches in a block is done. */
function inGroup(step: Step): Step {
  const name = sortingName(step.name)
  return ['handle', 'rewrite', 'root'].includes(name) ? { ...step, group: name } : step
}

function readDirective(directive: Directive, scope: Scope): readonly Sortable[] {
  const name = directiveName(directive)
  const { at } = directive.words[0]
  const { token, values } = splitMatcher(directive)
  const matcher = token && namedOrPath(token, scope)
  if (token && !matcher) {
    scope.notes.untranslated(token.at, `\`${token.text}\`: no such matcher is defined here`)
    return []
  }
  if (matcher?.why !== undefined) {
    const where = token?.text.startsWith('@') ? ` (${token.text}, line ${matcher.at.line})` : ''
    const left = directive.block ? 'it is left out, with all in it' : 'it is left out'
    const instead = guards.has(name) ? 'so that nothing is left open, all requests are asked' : left
    scope.notes.untranslated(at, `\`${name}\`: ${matcher.why}${where}; ${instead}`)
    if (!guards.has(name)) return []
  }
  const line: Line = { name, at, values, block: directive.block ?? [], matcher, scope }
  const deeds = deedsOf(line, directive, token)
  const refused = deeds.length > 0 && unusable(line, deeds)
  if (refused) {
    scope.notes.untranslated(at, `\`${name}\`: ${refused}`)
    return []
  }
  // Of a matcher for addresses only the rest is left: the addresses have become `allow` or `deny`.
  const known = matcher && matcher.why === undefined ? matcher.matcher : everything
  const step = (does: Deed): Step => ({ name, at, matcher: known, does })
  const path = matcher?.written.length === 1 ? matcher.written[0] : undefined
  const sorted = { ...(path !== undefined && { path }), matched: matcher !== undefined }
  if (deeds.length === 0) return []
  const [only] = deeds
  if (only && deeds.length === 1) return [{ step: step(only), ...sorted }]
  const changes = deeds.flatMap((deed) => (deed.kind === 'change' ? [deed.change] : []))
  if (changes.length === deeds.length) {
    const change = (state: State) => changes.reduce((changed, next) => next(changed), state)
    return [{ step: step({ kind: 'change', change }), ...sorted }]
  }
  const steps = deeds.map((does): Step => ({ name, at, matcher: everything, does }))
  return [{ step: step({ kind: 'steps', steps }), ...sorted }]
}

/** Address and id matchers work with a few directives only; those have turned them into something else. */
function unusable({ name, at, matcher, scope }: Line, deeds: readonly Deed[]): string | undefined {
  if (matcher?.clients && guards.has(name))
    scope.notes.changed(at, `\`${name}\`: clients of all addresses are asked; their address does not spare them`)
  else if (matcher?.clients && (!denying.has(name) || deeds.some(({ kind }) => kind !== 'change')))
    return '`remote_ip`: addresses decide who is let in, by `allow` and `deny` of a route, and not which route it is'
  if (matcher?.requestId) return 'the form of a request id decides only about that id, by `gateway.requestId`'
  return undefined
}

function splitMatcher(directive: Directive): { token?: Token; values: readonly Token[] } {
  const values = argumentsOf(directive)
  const [first] = values
  const name = directiveName(directive)
  if (!first || matchesAll.has(name)) return { values }
  if (first.text === '*') return { values: values.slice(1) }
  const isPath = first.text.startsWith('/') && !(alone.has(name) && values.length === 1)
  return isPath || first.text.startsWith('@') ? { token: first, values: values.slice(1) } : { values }
}

function namedOrPath(token: Token, { matchers, notes }: Scope): MatcherReading | undefined {
  return token.text.startsWith('@') ? matchers.get(token.text) : pathMatcher(token, notes)
}

function deedsOf(line: Line, directive: Directive, token: Token | undefined): readonly Deed[] {
  const { name, at, block, scope } = line
  switch (name) {
    case 'handle':
      return [{ kind: 'steps', steps: stepsOf(block, scope) }]
    case 'route':
      return [{ kind: 'steps', steps: stepsOf(block, scope, true) }]
    case 'handle_path': {
      const prefix = ourText(token?.text ?? '').text.replace(/\/?\*$/, '')
      if (prefix !== '' && (prefix.includes('*') || !accepted(pathPrefix, prefix))) {
        scope.notes.untranslated(
          at,
          `\`handle_path ${token?.text}\`: \`stripPrefix\` takes the beginning of a path, such as \`/old\``,
        )
        return []
      }
      const strip: Step = {
        name,
        at,
        matcher: everything,
        does: { kind: 'change', change: (state) => stripped(state, prefix) },
      }
      return [{ kind: 'steps', steps: [strip, ...stepsOf(block, scope)] }]
    }
  }
  const reader = readers[sortingName(name)]
  if (reader) return reader(line)
  // What a plugin asks of clients cannot be known by its name; what it is for, mostly.
  if (/auth|jwt|oidc|saml|security|crowdsec|coraza|waf|firewall/i.test(name)) {
    scope.notes.untranslated(at, `\`${name}\`: \`auth\` of a route says who may pass; until then nobody does here`)
    return [{ kind: 'change', change: (state) => ({ ...state, deny: everyAddress }) }]
  }
  const what = directive.words
    .map(({ text }) => text)
    .slice(0, 2)
    .join(' ')
  scope.notes.untranslated(at, `\`${what}\`: ${nearest[name] ?? 'this is no directive that is known here'}`)
  return []
}
