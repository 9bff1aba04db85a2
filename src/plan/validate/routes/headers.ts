import type { Report } from '../../../config/diagnostics.ts'
import { nearest } from '../../../config/hints/suggest.ts'
import type { HeadersConfig } from '../../../config/schema/gateway/headers.ts'
import type { Path } from '../../../config/yaml/located.ts'
import { isAddition, textsOf } from '../../model/headers.ts'
import { isPlaceholder, placeholderPattern, placeholders } from '../../patterns/placeholders.ts'
import { type Check, keyPosition, type PlanContext, quotedValue, valuePosition } from '../../resolve/plan-context.ts'

/** Header rules may only use known placeholders and must not touch what the gateway sets itself. */
export const headers: Check = (context, report) => {
  const { gateway } = context.config
  const owners = [
    { section: gateway.request, path: ['gateway', 'request'] as Path, toUpstream: true },
    { section: gateway.response, path: ['gateway', 'response'] as Path, toUpstream: false },
    ...context.routes.flatMap(({ route, path }) => [
      { section: route.request, path: [...path, 'request'], toUpstream: true },
      { section: route.response, path: [...path, 'response'], toUpstream: false },
    ]),
  ]
  const { header, internal } = gateway.requestId
  const ids = new Set([header, internal].map((name) => name?.toLowerCase()))
  for (const { section, path, toUpstream } of owners) {
    for (const [name, rule] of Object.entries(section?.headers ?? {})) {
      const where = [...path, 'headers', name]
      checkTexts(context, { where, rule }, report)
      const lower = name.toLowerCase()
      if (ids.has(lower))
        report({
          code: 'contradiction',
          at: keyPosition(context, where),
          message: `\`${name}\` is the request id header, which \`requestId\` sets`,
          hint: 'remove it here, or give the id another header',
        })
      // RFC 9112 §3.2: a request has one Host.
      if (toUpstream && lower === 'host' && typeof rule !== 'string')
        report({
          code: 'wrong-value',
          at: valuePosition(context, where),
          message: 'a request has exactly one Host',
          hint: 'write one name, or remove the key: the Host of the client is kept',
        })
    }
  }
}

interface Written {
  readonly where: Path
  readonly rule: HeadersConfig[string]
}

function checkTexts(context: PlanContext, { where, rule }: Written, report: Report): void {
  const list = isAddition(rule) ? [...where, 'add'] : where
  for (const [index, text] of textsOf(rule).entries()) {
    const place = typeof rule === 'string' ? where : [...list, index]
    for (const [, name = ''] of text.matchAll(placeholderPattern)) {
      if (isPlaceholder(name)) continue
      report({
        code: 'wrong-value',
        at: valuePosition(context, place),
        message: `${quotedValue(context, place)} has an unknown placeholder`,
        hint: placeholderHint(name),
      })
    }
  }
}

export function placeholderHint(name: string): string {
  const near = nearest(name, placeholders)
  return near
    ? `did you mean \`{${near}}\`?`
    : `known placeholders: ${placeholders.map((known) => `{${known}}`).join(', ')}`
}
