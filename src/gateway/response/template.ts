import { isPlaceholder, type Placeholder, placeholderPattern } from '../../plan/patterns/placeholders.ts'
import type { Exchange } from '../request/exchange.ts'

/** A text with placeholders, made ready to be filled in; one without any stays a text. */
export type Template = string | ((exchange: Exchange) => string)

// None of these can hold a line end or anything else that ends a header: all were read from a sound request.
const values: Readonly<Record<Placeholder, (exchange: Exchange) => string>> = {
  host: ({ host }) => host,
  uri: ({ taken }) => taken.path + taken.query,
  path: ({ taken }) => taken.path,
  scheme: ({ identity }) => identity.scheme,
  client: ({ client }) => client,
  request_id: ({ requestId }) => requestId,
}

export function compileTemplate(text: string): Template {
  const used = [...text.matchAll(placeholderPattern)].some(([, name = '']) => isPlaceholder(name))
  if (!used) return text
  return (exchange) =>
    text.replace(placeholderPattern, (whole, name: string) => (isPlaceholder(name) ? values[name](exchange) : whole))
}

export function fill(template: Template, exchange: Exchange): string {
  return typeof template === 'string' ? template : template(exchange)
}
