import * as z from 'zod'
import { alternatives, schemaAt } from '../schema-walk.ts'
import type { Path } from '../yaml/located.ts'

/** The keys that a mapping at `path` may have, for "did you mean"; every mapping may have `when`. */
export function keysAllowedAt(schema: z.ZodType, path: Path): readonly string[] {
  const at = schemaAt(schema, path)
  const object = at && alternatives(at).find((one) => one instanceof z.ZodObject)
  return object ? [...Object.keys(object.shape), 'when'] : []
}
