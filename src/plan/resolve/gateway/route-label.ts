import type { RouteConfig } from '../../../config/schema/gateway/route.ts'

/** How logs and `gatehouse plan` name a route: `GET, HEAD example.com /api/*, /oauth2/* → backend`. */
export function routeLabel(route: RouteConfig): string {
  const parts = [route.methods, route.host, route.path].flatMap((values) => (values ? [values.join(', ')] : []))
  // Names only: a value may be a secret shared with a proxy in front.
  if (route.headers) parts.push(`with ${Object.keys(route.headers).join(', ')}`)
  const matched = parts.join(' ')
  const answer = answerOf(route)
  if (matched !== '') return `${matched} → ${answer}`
  return route.to ? `* → ${answer}` : answer
}

function answerOf({ to, files, file, redirect, respond, plugin }: RouteConfig): string {
  if (to) return 'name' in to ? to.name : to.origin
  if (files) return `files ${files.root}`
  if (respond) return `respond ${respond.status}`
  if (plugin) return `plugin ${plugin.file}`
  return file === undefined ? `redirect ${redirect?.to ?? ''}` : `file ${file}`
}
