import type { Path } from '../../../config/yaml/located.ts'
import { type Check, keyPosition, type PlanContext, valuePosition } from '../../resolve/plan-context.ts'

/** Upstreams trust these headers, so nothing else may set them: they would be sent twice. */
export const clientCertificateHeaders: Check = (context, report) => {
  const owners = new Map<string, string>()
  const { header, internal } = context.config.gateway.requestId
  const ids = new Set([header, internal].map((name) => name?.toLowerCase()))
  for (const { name: listener, path, clientCertificates } of context.listeners) {
    const own = new Set<string>()
    for (const [option, name] of Object.entries(clientCertificates?.headers ?? {})) {
      const lower = name.toLowerCase()
      const taken = own.has(lower) ? 'another of these' : ids.has(lower) ? 'the request id header' : undefined
      if (taken !== undefined)
        report({
          code: 'contradiction',
          at: valuePosition(context, [...path, 'clientCertificates', 'headers', option]),
          message: `the header for the ${option} has the same name as ${taken}`,
          hint: 'use another name',
        })
      own.add(lower)
      owners.set(lower, listener)
    }
  }
  for (const [name, where] of requestHeaders(context)) {
    const listener = owners.get(name.toLowerCase())
    if (listener === undefined) continue
    report({
      code: 'contradiction',
      at: keyPosition(context, where),
      message: `\`${name}\` is set from client certificates, by \`clientCertificates\` of listener \`${listener}\``,
      hint: 'remove it here, or rename it there: `headers: { subject: X-Other }`',
    })
  }
}

/** Each with the path of its key. */
function* requestHeaders(context: PlanContext): Generator<readonly [string, Path]> {
  const sections = [
    { request: context.config.gateway.request, path: ['gateway'] as Path },
    ...context.routes.map(({ route, path }) => ({ request: route.request, path })),
  ]
  for (const { request, path } of sections)
    for (const name of Object.keys(request?.headers ?? {})) yield [name, [...path, 'request', 'headers', name]]
}

/**
 * The server that asks for acme-tls/1 (RFC 8737) has no client certificate, so a listener that requires one refuses it.
 * Only a warning: something in front may route its connections elsewhere.
 */
export const challengesBehindClientCertificates: Check = (context, report) => {
  const secure = context.listeners.filter(({ tls }) => tls)
  if (secure.length === 0 || !secure.every(({ clientCertificates }) => clientCertificates?.mode === 'required')) return
  for (const [index, { use }] of context.config.certificates.entries())
    for (const [source, { acme }] of use.entries())
      if (acme?.challenges) warn(acme.challenges, ['certificates', index, 'use', source])

  function warn(challenges: readonly string[], path: Path): void {
    if (!challenges.every((challenge) => challenge === 'tls-alpn-01')) return
    report({
      severity: 'warning',
      code: 'contradiction',
      at: valuePosition(context, [...path, 'acme', 'challenges']),
      message: '`tls-alpn-01` cannot succeed: every TLS listener requires a client certificate',
      hint: 'add `http-01` or `dns-01`, or a TLS listener without `mode: required`',
    })
  }
}
