/** From the directives of a site to its steps, in the order in which Caddy runs them. */
import { pathPrefix } from '../../../config/schema/gateway/paths.ts'
import { inOrder, type Sortable, sortingName } from '../routes/order.ts'
import { everyAddress, everything, type State, type Step, type StepAction } from '../routes/steps.ts'
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

/** A module of Caddy's ecosystem, or of the user's own. */
const unknownDirective = 'unknown directive; if it is a module, a `plugin` of your own may replace it (docs/plugins.md)'

/** Unsupported directives, with the nearest option. */
const nearest: Readonly<Record<string, string>> = {
  php_fastcgi: 'FastCGI is not supported; route to a web server that speaks it',
  templates: '`files.render` puts environment variables into pages',
  metrics: '`metrics: { address: 127.0.0.1:9600 }` serves them on their own address',
  tracing: 'traceparent is passed through unchanged',
  acme_server: 'certificates are issued only for the listeners of this file',
  map: 'write a route for each value',
  vars: 'write the values where they are used',
  method: 'a request keeps its method',
  push: 'browsers no longer accept server push; set a `Link` header in `response.headers`',
  invoke: 'write the directives of the named route where it is called',
  intercept: 'responses of upstreams are passed through unchanged',
  log_append: 'the access log has the same fields for every request',
  log_name: 'there is one access log',
  fs: 'files come from the local file system',
}

/** Options of the site, not steps of a request. */
const ofSites = new Set(['tls', 'log', 'bind', 'handle_errors'])

/** If their matcher cannot be translated, they apply to all requests: what they guard stays guarded. */
const guards = new Set(['basic_auth', 'basicauth', 'forward_auth'])

/** With an address matcher these become `allow` or `deny`. */
const denying = new Set(['abort', 'error', 'respond'])

/** Directives whose first word is never a matcher. */
const withoutMatcher = new Set(['try_files'])

/** A single word of these is not a matcher, even if it begins with `/`. */
const withoutMatcherIfSingle = new Set(['root', 'rewrite', 'redir'])

/** The steps of one block. `kept`: in the written order, as in `route`. */
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

/** Of these, only the first match in a block runs. */
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
    scope.notes.untranslated(token.at, `\`${token.text}\`: no such matcher is defined`)
    return []
  }
  if (matcher?.why !== undefined) {
    const where = token?.text.startsWith('@') ? ` (${token.text}, line ${matcher.at.line})` : ''
    const left = directive.block ? 'it is left out, with everything in it' : 'it is left out'
    const instead = guards.has(name) ? 'to leave nothing open, all requests must authenticate' : left
    scope.notes.untranslated(at, `\`${name}\`: ${matcher.why}${where}; ${instead}`)
    if (!guards.has(name)) return []
  }
  const line: Line = { name, at, values, block: directive.block ?? [], matcher, scope }
  const actions = actionsOf(line, directive, token)
  const refused = actions.length > 0 && unusable(line, actions)
  if (refused) {
    scope.notes.untranslated(at, `\`${name}\`: ${refused}`)
    return []
  }
  // The addresses of the matcher have become `allow` or `deny`; the rest of it still matches.
  const known = matcher && matcher.why === undefined ? matcher.matcher : everything
  const step = (action: StepAction): Step => ({ name, at, matcher: known, action })
  const path = matcher?.written.length === 1 ? matcher.written[0] : undefined
  const sorted = { ...(path !== undefined && { path }), matched: matcher !== undefined }
  if (actions.length === 0) return []
  const [only] = actions
  if (only && actions.length === 1) return [{ step: step(only), ...sorted }]
  const changes = actions.flatMap((action) => (action.kind === 'change' ? [action.change] : []))
  if (changes.length === actions.length) {
    const change = (state: State) => changes.reduce((changed, next) => next(changed), state)
    return [{ step: step({ kind: 'change', change }), ...sorted }]
  }
  const steps = actions.map((action): Step => ({ name, at, matcher: everything, action }))
  return [{ step: step({ kind: 'steps', steps }), ...sorted }]
}

/** Only a few directives support address and id matchers, which they translate to other options. */
function unusable({ name, at, matcher, scope }: Line, actions: readonly StepAction[]): string | undefined {
  if (matcher?.clients && guards.has(name))
    scope.notes.changed(
      at,
      `\`${name}\`: clients of all addresses must authenticate; their address does not exempt them`,
    )
  else if (matcher?.clients && (!denying.has(name) || actions.some(({ kind }) => kind !== 'change')))
    return '`remote_ip`: addresses decide who may use a route, by `allow` and `deny`, not which route matches'
  if (matcher?.requestId) return 'the format of a request id decides only about that id; see `gateway.requestId`'
  return undefined
}

function splitMatcher(directive: Directive): { token?: Token; values: readonly Token[] } {
  const values = argumentsOf(directive)
  const [first] = values
  const name = directiveName(directive)
  if (!first || withoutMatcher.has(name)) return { values }
  if (first.text === '*') return { values: values.slice(1) }
  const isPath = first.text.startsWith('/') && !(withoutMatcherIfSingle.has(name) && values.length === 1)
  return isPath || first.text.startsWith('@') ? { token: first, values: values.slice(1) } : { values }
}

function namedOrPath(token: Token, { matchers, notes }: Scope): MatcherReading | undefined {
  return token.text.startsWith('@') ? matchers.get(token.text) : pathMatcher(token, notes)
}

function actionsOf(line: Line, directive: Directive, token: Token | undefined): readonly StepAction[] {
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
          `\`handle_path ${token?.text}\`: \`stripPrefix\` takes a path prefix, such as \`/old\``,
        )
        return []
      }
      const strip: Step = {
        name,
        at,
        matcher: everything,
        action: { kind: 'change', change: (state) => stripped(state, prefix) },
      }
      return [{ kind: 'steps', steps: [strip, ...stepsOf(block, scope)] }]
    }
  }
  const reader = readers[sortingName(name)]
  if (reader) return reader(line)
  // An unknown plugin that looks like access control must not leave its routes open.
  if (/auth|jwt|oidc|saml|security|crowdsec|coraza|waf|firewall/i.test(name)) {
    scope.notes.untranslated(
      at,
      `\`${name}\`: \`auth\` of a route says who has access; until you set it, all requests are rejected`,
    )
    return [{ kind: 'change', change: (state) => ({ ...state, deny: everyAddress }) }]
  }
  const what = directive.words
    .map(({ text }) => text)
    .slice(0, 2)
    .join(' ')
  scope.notes.untranslated(at, `\`${what}\`: ${nearest[name] ?? unknownDirective}`)
  return []
}
