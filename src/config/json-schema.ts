/** The JSON Schema of the file, with which editors complete keys and mark mistakes. */
import * as z from 'zod'
import { configSchema } from './schema/config.ts'
import { conditionSchema } from './schema/environment/condition.ts'
import { type Shorthand, shorthands } from './schema/shorthand.ts'

type Json = { [key: string]: unknown }

// Marks schemas with short forms until the walk removes it again.
const shorthandMark = 'x-shorthand'

const when = { $ref: '#/$defs/when', description: 'Includes this block only if the condition holds' }

/** JSON Schema 2020-12 of the file as written: before variables are expanded, with `when` in every mapping. */
export function configJsonSchema(): Json {
  const { $schema, ...config } = toJson(configSchema)
  return {
    $schema,
    title: 'Gatehouse configuration',
    ...withWhen(config),
    $defs: { when: conditionJsonSchema() },
  }
}

/** The schema of a condition; it refers to itself (`not`), which inside the whole schema is `#/$defs/when`. */
function conditionJsonSchema(): Json {
  const { $schema: _, ...condition } = toJson(conditionSchema)
  return JSON.parse(JSON.stringify(condition).replaceAll('"$ref":"#"', '"$ref":"#/$defs/when"')) as Json
}

function toJson(schema: z.ZodType): Json {
  return z.toJSONSchema(schema, {
    io: 'input',
    override({ zodSchema, jsonSchema }) {
      const shorthand = shorthands.get(zodSchema as unknown as z.ZodType)
      if (shorthand) Object.assign(jsonSchema, { [shorthandMark]: shorthand })
    },
  }) as Json
}

/** The short forms: a list as its only item, and those of schema/shorthand.ts. */
function shorterForms(schema: Json, shorthand: Shorthand | undefined): readonly Json[] {
  if (shorthand && 'split' in shorthand) return [{ type: 'string' }]
  if (shorthand && 'dependencies' in shorthand)
    return [{ type: 'string' }, { type: 'array', items: { type: 'string' } }]
  if (shorthand && 'words' in shorthand) return [{ enum: shorthand.words }]
  if (shorthand) return [(schema.properties as Json)[shorthand.key] as Json]
  return schema.type === 'array' ? [schema.items as Json] : []
}

/** Walks the keywords that hold schemas; `default` and `enum` hold values and are left alone. */
function withWhen({ [shorthandMark]: shorthand, ...schema }: Json): Json {
  const walked = Object.fromEntries(Object.entries(schema).map(([keyword, value]) => [keyword, walk(keyword, value)]))
  const shorter = shorterForms(walked, shorthand as Shorthand | undefined)
  const {
    description,
    default: defaultValue,
    ...long
  } = schema.type === 'object'
    ? { ...walked, properties: { when, ...(walked.properties as Json | undefined) } }
    : walked
  if (shorter.length === 0) return { ...long, ...annotations(description, defaultValue) }
  return { ...annotations(description, defaultValue), anyOf: [long, ...shorter] }
}

function annotations(description: unknown, defaultValue: unknown): Json {
  return {
    ...(description !== undefined && { description }),
    ...(defaultValue !== undefined && { default: defaultValue }),
  }
}

function walk(keyword: string, value: unknown): unknown {
  if (keyword === 'properties' && isObject(value))
    return Object.fromEntries(Object.entries(value).map(([key, schema]) => [key, withWhen(schema as Json)]))
  if ((keyword === 'items' || keyword === 'additionalProperties') && isObject(value)) return withWhen(value)
  if (keyword === 'anyOf' && Array.isArray(value)) return value.map((schema) => withWhen(schema as Json))
  return value
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
