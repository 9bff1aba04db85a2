/** docs/reference.md: every option of the config file, from the schema itself. */
import * as z from 'zod'
import { configSchema } from '../../src/config/schema/config.ts'
import { conditionSchema } from '../../src/config/schema/environment/condition.ts'

const head = `# Every option

Generated from the schema by \`npm run generate\`. A name in capitals stands for one of your choosing, \`[]\` for each
item of a list. Options are optional unless marked \`required\`. Any mapping may have \`when\`, and is excluded if the
condition does not hold; any value may contain \`\${NAME}\` or \`\${NAME:-default}\`. The other pages explain what the
options are for; \`gatehouse check\` says what is wrong with a value.

A list of one item may be written as that item: \`methods: GET\`, \`use: acme\`. A listener may be written as its address,
an upstream as its targets, an environment file as its path, and a command that needs no shell as one text, which is
split as a shell would.
`

interface Row {
  readonly path: string
  readonly value: string
  readonly default: string
  readonly description: string
}

/** The page, in Markdown. */
export function referencePage(): string {
  const known = new Map<z.ZodType, string>()
  const sections = Object.entries(configSchema.shape).map(([key, schema]) =>
    section(key, rowsOf(key, schema as z.ZodType, known)),
  )
  const conditions = rowsOf('when', conditionSchema, new Map())
  return [head, ...sections, section('when', conditions)].join('\n')
}

function section(title: string, rows: readonly Row[]): string {
  const lines = rows.map(({ path, value, default: defaultValue, description }) => {
    return `| ${[`\`${path}\``, value, defaultValue, description].map(cell).join(' | ')} |`
  })
  return `## ${title}\n\n| Option | Value | Default | |\n| --- | --- | --- | --- |\n${lines.join('\n')}\n`
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}

/** The rows of an option and of those below it; a mapping that is used in two places is described once. */
function rowsOf(path: string, schema: z.ZodType, known: Map<z.ZodType, string>): readonly Row[] {
  const { core, defaultValue, description } = peel(schema)
  const row = { path, description, default: defaultValue ?? (schema.safeParse(undefined).success ? '' : 'required') }
  const elsewhere = known.get(core)
  if (elsewhere !== undefined) return [{ ...row, value: `as \`${elsewhere}\`` }]
  const below = partsOf(core)
  if (below) known.set(core, path)
  const rows = below?.flatMap(({ suffix, part }) => rowsOf(path + suffix, part, known)) ?? []
  // An item that is only a mapping needs no row of its own; one that may also be a text does.
  const isBareItem = /(\[\]|\.NAME)$/.test(path) && core instanceof z.ZodObject && description === ''
  return isBareItem ? rows : [{ ...row, value: wordsFor(core) }, ...rows]
}

interface Part {
  readonly suffix: string
  readonly part: z.ZodType
}

/** The options below a schema; undefined: there are none. */
function partsOf(core: z.ZodType): readonly Part[] | undefined {
  if (core instanceof z.ZodObject)
    return Object.entries(core.shape).map(([key, part]) => ({ suffix: `.${key}`, part: part as z.ZodType }))
  if (core instanceof z.ZodArray) return inside('[]', core.element as z.ZodType)
  if (core instanceof z.ZodRecord) return inside('.NAME', core.valueType as z.ZodType)
  if (core instanceof z.ZodUnion) return firstOf(core.options as z.ZodType[])
  return undefined
}

/** Undefined if the items are scalars, which the value of the row describes. */
function inside(suffix: string, item: z.ZodType): readonly Part[] | undefined {
  return partsOf(peel(item).core) && [{ suffix, part: item }]
}

function firstOf(options: readonly z.ZodType[]): readonly Part[] | undefined {
  return options.map((option) => partsOf(peel(option).core)).find((parts) => parts !== undefined)
}

interface Peeled {
  readonly core: z.ZodType
  /** The default, as written in the file. */
  readonly defaultValue: string | undefined
  readonly description: string
}

/** Unwraps defaults, optionals and transforms; the outermost description wins. */
function peel(schema: z.ZodType): Peeled {
  const description = schema.description ?? ''
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable) return under(schema.unwrap() as z.ZodType)
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    const inner = under(schema.unwrap() as z.ZodType)
    return { ...inner, defaultValue: written(schema.def.defaultValue) ?? inner.defaultValue }
  }
  if (schema instanceof z.ZodPipe && !isScalar(schema)) return under(schema.in as z.ZodType)
  return { core: schema, defaultValue: undefined, description }

  function under(inner: z.ZodType): Peeled {
    const peeled = peel(inner)
    return { ...peeled, description: description || peeled.description }
  }
}

function written(value: unknown): string | undefined {
  if (value === undefined || (typeof value === 'object' && JSON.stringify(value).length === 2)) return undefined
  return `\`${typeof value === 'object' ? JSON.stringify(value).replaceAll('"', '') : value}\``
}

/** A text with a transform; other pipes lead to the schema of what is in the file. */
function isScalar(schema: z.ZodType): boolean {
  return schema instanceof z.ZodPipe && schema.in instanceof z.ZodString
}

function wordsFor(core: z.ZodType): string {
  if (core instanceof z.ZodPipe) return expectedBy(core.in as z.ZodType) ?? 'text'
  if (core instanceof z.ZodObject) return 'a mapping'
  if (core instanceof z.ZodRecord) return 'a mapping of names'
  if (core instanceof z.ZodArray) return expectedBy(core) ?? 'a list'
  if (core instanceof z.ZodUnion) {
    const options = (core.options as z.ZodType[]).map((option) => wordsFor(peel(option).core))
    // "or a mapping with `requests`" says more than "a mapping".
    const isRepeated = (words: string) => options.some((other) => other.includes(`or ${words} with`))
    return [...new Set(options)].filter((words) => words !== '' && !isRepeated(words)).join(', or ')
  }
  if (core instanceof z.ZodUnknown) return ''
  throw new Error(`the reference does not know schemas of type ${core.def.type}`)
}

/** The text of the diagnostic: "expected ...". */
function expectedBy(schema: z.ZodType): string | undefined {
  const { error } = schema.def as { error?: (issue: object) => unknown }
  const text = error?.({ code: 'invalid_type' })
  return typeof text === 'string' ? text : undefined
}
