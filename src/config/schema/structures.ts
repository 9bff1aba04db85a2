/** Mappings and lists; unknown keys are errors. */
import * as z from 'zod'
import { InvalidValue } from './invalid-value.ts'
import { scalar } from './scalars.ts'

/** A mapping with these keys and no others. */
export function mapping<S extends z.ZodRawShape>(shape: S) {
  return z.strictObject(shape)
}

export function listOf<T extends z.ZodType>(item: T, expected: string) {
  return z.array(item, { error: () => expected }).min(1, { error: () => expected })
}

export function oneOrMany<T extends z.ZodType>(item: T, expected: string) {
  return z
    .union([item, listOf(item, expected)])
    .transform((value) => (Array.isArray(value) ? value : [value]) as z.output<T>[])
}

/** A mapping whose keys are names of the user's choosing. */
const entryNamePattern = /^[a-z0-9][a-z0-9_-]*$/

/** The name of a process or listener: it ends up in log lines and file names. */
const entryName = nameLike(
  entryNamePattern,
  'lower-case letters, digits, `-` and `_`, beginning with a letter or digit',
)

export const variableName = nameLike(/^[A-Za-z_][A-Za-z0-9_]*$/, 'letters, digits and `_`, not beginning with a digit')

function nameLike(pattern: RegExp, expected: string) {
  return z.string().regex(pattern, { error: () => expected })
}

/** A mapping whose keys are names of the user's choosing. */
export function named<T extends z.ZodType>(value: T, name: z.ZodType<string, string> = entryName) {
  return z.record(name, value)
}

/** `variableName` as a value instead of a key. */
export const variableReference = scalar({
  expected: 'the name of an environment variable',
  read(written) {
    if (variableName.safeParse(written).success) return written
    const [, name] = /^\$\{?([A-Za-z_]\w*)\}?$/.exec(written) ?? []
    return name === undefined ? undefined : new InvalidValue('is a reference, not a name', 'write the name alone', name)
  },
})
