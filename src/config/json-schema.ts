/** The schema in JSON, for editors: they complete keys and mark mistakes while the file is written. */
import { z } from 'zod'
import { conditionSchema } from './schema/condition.ts'
import { configSchema } from './schema/config.ts'

type Json = { [key: string]: unknown }

const when = { $ref: '#/$defs/when', description: 'This block counts only if the condition holds' }

/** JSON Schema 2020-12 of the file as it is written: before variables are put in, with `when` in every mapping. */
export function configJsonSchema(): Json {
  const { $schema, ...config } = z.toJSONSchema(configSchema, { io: 'input' }) as Json
  return {
    $schema,
    title: 'Gatehouse configuration',
    ...withWhen(config),
    $defs: { when: conditionJsonSchema() },
  }
}

/** Of a condition; it refers to itself (`not`), which from inside the whole is `#/$defs/when`. */
function conditionJsonSchema(): Json {
  const { $schema: _, ...condition } = z.toJSONSchema(conditionSchema, { io: 'input' }) as Json
  return JSON.parse(JSON.stringify(condition).replaceAll('"$ref":"#"', '"$ref":"#/$defs/when"')) as Json
}

/** Walks the keywords that hold schemas; `default` and `enum` hold values and are left alone. */
function withWhen(schema: Json): Json {
  const walked = Object.fromEntries(Object.entries(schema).map(([keyword, value]) => [keyword, walk(keyword, value)]))
  if (schema.type !== 'object') return walked
  return { ...walked, properties: { when, ...(walked.properties as Json | undefined) } }
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
