/** Inspects a zod schema: the kinds of nodes it takes, and the schemas below them. */
import * as z from 'zod'

/** Unwraps defaults, optionals and transforms; a scalar keeps the transform that reads it. */
export function unwrap(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodPipe && !(schema.in instanceof z.ZodString)) return unwrap(schema.in as z.ZodType)
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault
  )
    return unwrap(schema.unwrap() as z.ZodType)
  return schema
}

/** The alternatives of a union, at any depth; any other schema is its only one. */
export function alternatives(schema: z.ZodType): readonly z.ZodType[] {
  const inner = unwrap(schema)
  return inner instanceof z.ZodUnion ? (inner.options as z.ZodType[]).flatMap(alternatives) : [inner]
}

/** The schema below `step`, in the first alternative that has it. */
export function stepInto(schema: z.ZodType, step: string | number): z.ZodType | undefined {
  for (const inner of alternatives(schema)) {
    if (inner instanceof z.ZodArray) {
      if (typeof step === 'number') return inner.element as z.ZodType
    } else if (inner instanceof z.ZodRecord) return inner.valueType as z.ZodType
    else if (inner instanceof z.ZodObject && Object.hasOwn(inner.shape, step)) return inner.shape[step] as z.ZodType
  }
  return undefined
}

export function schemaAt(schema: z.ZodType, path: readonly (string | number)[]): z.ZodType | undefined {
  return path.reduce<z.ZodType | undefined>((at, step) => at && stepInto(at, step), schema)
}

export function isMapping(schema: z.ZodType): boolean {
  return schema instanceof z.ZodObject || schema instanceof z.ZodRecord
}
