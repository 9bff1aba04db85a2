import { isPlaceholder, type Placeholder, placeholderPattern } from '../../plan/patterns/placeholders.ts'
import type { Identity } from '../request/identity.ts'
import type { TargetPath } from '../request/target-path.ts'

/** What placeholders stand for; of a request, its exchange. */
export interface TemplateValues {
  readonly host: string
  readonly taken: TargetPath
  readonly identity: Identity
  readonly client: string
  readonly requestId: string
}

/** A compiled text with placeholders; one without any stays a string. */
export type Template = string | ((values: TemplateValues) => string)

// None of these can contain a line break or anything else that ends a header: all are from a validated request.
const readers: Readonly<Record<Placeholder, (values: TemplateValues) => string>> = {
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
  return (values) =>
    text.replace(placeholderPattern, (whole, name: string) => (isPlaceholder(name) ? readers[name](values) : whole))
}

export function fill(template: Template, values: TemplateValues): string {
  return typeof template === 'string' ? template : template(values)
}
