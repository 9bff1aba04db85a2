import * as z from 'zod'
import { customIssue, InvalidValue } from '../invalid-value.ts'
import {
  anyText,
  boolean,
  choice,
  duration,
  headerName,
  headerText,
  headerValue,
  integer,
  method,
  regularExpression,
  scalar,
  text,
} from '../scalars.ts'
import { short } from '../shorthand.ts'
import { listOf, mapping, named, oneOrMany } from '../structures.ts'
import { target } from './addresses.ts'
import { routeGuards } from './guards.ts'
import { headersSchema, requestHeaders } from './headers.ts'
import { pathPrefix, pathTemplate } from './paths.ts'

const filePath = text('a path relative to `root` such as `index.html`')

const filesSchema = mapping({
  root: text('the path of a folder such as `./public`').describe('Folder to serve'),
  only: choice(['existing'])
    .describe('`existing`: a request without a matching file goes to the next route')
    .optional(),
  except: listOf(filePath, 'a list of paths relative to `root`').describe('Files not to serve').optional(),
  fallback: filePath.describe('Served if no file matches (single-page applications)').optional(),
  cacheControl: headerValue
    .describe('Cache-Control of files; `immutable` stands for a year and `immutable`')
    .optional(),
  render: mapping({
    files: listOf(filePath, 'a list of paths relative to `root`'),
    variables: regularExpression.describe('Variables that may be used: those whose names match'),
  })
    .describe('Files in which {{env "NAME"}} becomes the value of the variable')
    .optional(),
}).superRefine((files, context) => {
  if (files.only === 'existing' && files.fallback !== undefined)
    context.addIssue(
      customIssue(
        'contradiction',
        '`only: existing` and `fallback` contradict each other',
        'with a fallback no request reaches the next route: remove one of the two',
        ['fallback'],
      ),
    )
})

const redirectSchema = mapping({
  to: headerText('a path or URL such as `/x`').describe('May contain {host}, {uri}, {path} and {scheme}'),
  status: scalar({
    expected: 'one of `301`, `302`, `303`, `307`, `308`',
    read(written) {
      // As Caddy and Traefik take it.
      if (written === 'permanent')
        return new InvalidValue('is not a status code', 'write `301`, or `308` to keep the method')
      if (written === 'temporary')
        return new InvalidValue('is not a status code', 'write `302`, or `307` to keep the method')
      return ([301, 302, 303, 307, 308] as const).find((status) => String(status) === written)
    },
    json: { type: ['integer', 'string'] },
  }).default(302),
  close: boolean.describe('Closes the connection afterwards').default(false),
})

/** RFC 9110 §15.3.5, §15.3.6, §15.4.5: a client would read a body as the beginning of the next response. */
export const bodilessStatuses: readonly number[] = [204, 205, 304]

const respondSchema = mapping({
  status: integer('a status from 200 to 599', 200, 599).default(200),
  body: anyText.describe('As text/plain, unless `response.headers` has another Content-Type').default(''),
}).superRefine(({ status, body }, context) => {
  if (body === '' || !bodilessStatuses.includes(status)) return
  context.addIssue(
    customIssue(
      'contradiction',
      `a response with status ${status} has no body`,
      'remove `body`, or use another status',
      ['body'],
    ),
  )
})

const pluginSchema = short(
  mapping({
    file: text('the path of a file such as `./plugins/flags.ts`').describe('A JavaScript or TypeScript file'),
    options: z
      .record(z.string(), z.unknown())
      .describe('Passed to the plugin; its values are texts, lists and mappings')
      .optional(),
  }),
  { key: 'file' },
)

export const handlerKeys = ['to', 'files', 'file', 'redirect', 'respond', 'plugin'] as const

type HandlerKey = (typeof handlerKeys)[number]

/** Options that only some handlers use. */
const optionsOfHandlers = {
  timeouts: ['to', 'plugin'],
  request: ['to', 'plugin'],
  encodedSlashes: ['to'],
  stripPrefix: ['to', 'files', 'plugin'],
  rewrite: ['to', 'files', 'plugin'],
} as const satisfies Readonly<Record<string, readonly HandlerKey[]>>
type OptionOfHandlers = keyof typeof optionsOfHandlers

export const routeSchema = mapping({
  listener: oneOrMany(text('the name of a listener such as `http`'), 'a list of listeners').optional(),
  host: oneOrMany(text('a host such as `example.com`'), 'a list of hosts')
    .describe('`example.com` or `*.example.com`')
    .optional(),
  path: oneOrMany(text('a path pattern such as `/api/*`'), 'a list of path patterns')
    .describe('`/info` matches exactly, `/api/*` everything below /api/, `*.map` by suffix')
    .optional(),
  methods: listOf(method, 'a list of methods').describe('`GET` also matches `HEAD`').optional(),
  headers: named(text('a pattern for the value, such as `*`'), headerName)
    .describe('Headers a request must have; `*` in a value matches any text')
    .optional(),
  ...routeGuards,
  to: target.describe('A process, an upstream, or a URL such as http://127.0.0.1:9000').optional(),
  files: filesSchema.optional(),
  file: text('the path of a file').describe('One file, for every request that matches').optional(),
  redirect: redirectSchema.optional(),
  respond: respondSchema.describe('A fixed response').optional(),
  plugin: pluginSchema.describe('A Fastify plugin that runs in the gateway').optional(),
  stripPrefix: pathPrefix
    .describe('Removed from the front of the path; only with `to`, `files` or `plugin`')
    .optional(),
  rewrite: mapping({ path: pathTemplate.describe('May contain {path}; the query is kept') })
    .describe('Replaces the path, after `stripPrefix`; only with `to`, `files` or `plugin`')
    .optional(),
  encodedSlashes: choice(['keep'])
    .describe('`keep`: forwards `%2F` and `%5C` as parts of names; only with `to`')
    .optional(),
  request: requestHeaders.describe("Overrides the gateway's; only with `to` or `plugin`").optional(),
  response: mapping({ headers: headersSchema.prefault({}) }).optional(),
  timeouts: mapping({
    connect: duration.describe('Not with `plugin`').prefault('3s'),
    response: duration.describe('Time limit for the response headers').prefault('120s'),
  })
    .describe('Only with `to` or `plugin`')
    .optional(),
}).superRefine((route, context) => {
  const chosen = handlerKeys.filter((key) => route[key] !== undefined)
  if (chosen.length === 0)
    context.addIssue(
      customIssue(
        'choose-one',
        'this route has no handler',
        'add one of `to`, `files`, `file`, `redirect`, `respond` and `plugin`',
      ),
    )
  if (chosen.length > 1)
    context.addIssue(
      customIssue(
        'choose-one',
        `this route has ${chosen.length} handlers: ${chosen.map((key) => `\`${key}\``).join(', ')}`,
        'keep one of them, or write a route for each',
      ),
    )
  const [handler] = chosen
  if (chosen.length !== 1 || handler === undefined) return
  for (const [key, handlers] of Object.entries(optionsOfHandlers) as [OptionOfHandlers, readonly HandlerKey[]][]) {
    if (route[key] === undefined || handlers.includes(handler)) continue
    const names = handlers.map((name) => `\`${name}\``)
    const anyOf = [names.slice(0, -1).join(', '), names.at(-1)].filter(Boolean).join(' or ')
    context.addIssue(
      customIssue(
        'contradiction',
        `\`${key}\` has no effect on a route without ${anyOf}`,
        `remove it: only routes with ${anyOf} use it`,
        [key],
      ),
    )
  }
})

export type RouteConfig = z.output<typeof routeSchema>
