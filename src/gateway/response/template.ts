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

/** A text with placeholders, made ready to be filled in; one without any stays a text. */
export type Template = string | ((values: TemplateValues) => string)

// None of these can hold a line end or anything else that ends a header: all were read from a sound request.
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
