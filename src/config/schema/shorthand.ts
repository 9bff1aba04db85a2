/** Short forms that have one reading. src/config/shorthands.ts replaces them by the long form. */
import * as z from 'zod'

export type Shorthand =
  /** `restart: always` is `restart: { policy: always }`. */
  | { readonly key: string }
  /** `use: acme` is `use: { acme: {} }`. */
  | { readonly words: readonly string[] }
  /** `command: node server.js` is `command: [node, server.js]`. */
  | { readonly split: true }
  /** `dependsOn: [redis]` is `dependsOn: { redis: ready }`, or `completed` where it is a task. */
  | { readonly dependencies: true }

/** Short forms of mappings and lists; schemas derived from one (by `describe`, `superRefine`) have it as well. */
export const shorthands = z.registry<Shorthand>()

/** The same schema, which may also be written as a single value. */
export function short<S extends z.ZodType>(schema: S, shorthand: Shorthand): S {
  shorthands.add(schema, shorthand as never)
  return schema
}
