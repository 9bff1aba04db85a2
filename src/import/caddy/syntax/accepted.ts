/** Whether our configuration accepts a value, by its schema, so that an imported file passes `gatehouse check`. */
import type * as z from 'zod'

/** A variable counts as its default; one without a default is accepted. */
export function accepted(schema: z.ZodType, text: string): boolean {
  const withDefaults = text.replaceAll(/(?<!\$)\$\{\w+:-([^{}]*)\}/g, '$1')
  return /(?<!\$)\$\{\w+\}/.test(withDefaults) || schema.safeParse(withDefaults).success
}
