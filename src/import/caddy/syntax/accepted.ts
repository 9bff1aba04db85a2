/** Whether our own configuration takes a value: asked of its schema, so that what is imported passes `gatehouse check`. */
import type { z } from 'zod'

/** A variable stands for its default; one without is believed. */
export function accepted(schema: z.ZodType, text: string): boolean {
  const withDefaults = text.replaceAll(/(?<!\$)\$\{\w+:-([^{}]*)\}/g, '$1')
  return /(?<!\$)\$\{\w+\}/.test(withDefaults) || schema.safeParse(withDefaults).success
}
