import type { Path } from '../../../config/yaml/located.ts'
import { kindOfHeader } from '../../patterns/trusted-headers.ts'
import { type Check, type PlanContext, quotedValue, valuePosition } from '../../resolve/plan-context.ts'

/** `request.keep` is for headers that would be dropped without it; it cannot change others. */
export const keptHeaders: Check = (context, report) => {
  for (const { name, path } of keptNames(context)) {
    const kind = kindOfHeader(name.toLowerCase())
    if (kind === 'trusted' && !/[_.]/.test(name)) continue
    const here = quotedValue(context, path)
    const at = valuePosition(context, path)
    if (kind === 'free' && !/[_.]/.test(name))
      report({
        severity: 'warning',
        code: 'contradiction',
        at,
        message: `${here} is accepted from any client anyway, so \`keep\` has no effect`,
        hint: 'docs/headers.md lists the headers that only trusted proxies may set',
      })
    else
      report({
        code: 'contradiction',
        at,
        message: kind === 'ours' ? `${here} is set by the gateway itself` : `${here} is never forwarded`,
        hint: kind === 'ours' ? 'name the proxies in front of it in `trustedProxies`' : 'remove it',
      })
  }
}

function keptNames({ config, routes }: PlanContext): readonly { readonly name: string; readonly path: Path }[] {
  const owners = [
    { keep: config.gateway.request.keep, path: ['gateway', 'request'] as Path },
    ...routes.map(({ route, path }) => ({ keep: route.request?.keep, path: [...path, 'request'] })),
  ]
  return owners.flatMap(({ keep = [], path }) => keep.map((name, index) => ({ name, path: [...path, 'keep', index] })))
}
