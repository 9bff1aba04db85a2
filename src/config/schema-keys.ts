import { z } from 'zod'
import type { Path } from './located.ts'

/** The keys that a mapping at `path` may have, for "did you mean"; `when` may stand in any. */
export function keysAllowedAt(schema: z.ZodType, path: Path): readonly string[] {
  const object = path.reduce<z.ZodType | undefined>((at, step) => at && stepInto(at, step), schema)
  const shape = object && shapeOf(object)
  return shape ? [...Object.keys(shape), 'when'] : []
}

function stepInto(schema: z.ZodType, step: string | number): z.ZodType | undefined {
  const inner = unwrap(schema)
  if (inner instanceof z.ZodUnion) return firstDefined(inner.options as z.ZodType[], (option) => stepInto(option, step))
  if (inner instanceof z.ZodArray) return inner.element as z.ZodType
  if (inner instanceof z.ZodRecord) return inner.valueType as z.ZodType
  return shapeOf(inner)?.[step] as z.ZodType | undefined
}

function shapeOf(schema: z.ZodType): z.ZodRawShape | undefined {
  const inner = unwrap(schema)
  if (inner instanceof z.ZodUnion) return firstDefined(inner.options as z.ZodType[], shapeOf)
  return inner instanceof z.ZodObject ? inner.shape : undefined
}

/** Through defaults, optional and transforms to what is written in the file. */
function unwrap(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodPipe) return unwrap(schema.in as z.ZodType)
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault
  )
    return unwrap(schema.unwrap() as z.ZodType)
  return schema
}

function firstDefined<T, U>(items: readonly T[], find: (item: T) => U | undefined): U | undefined {
  for (const item of items) {
    const found = find(item)
    if (found !== undefined) return found
  }
  return undefined
}
