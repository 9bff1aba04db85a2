/** docs/reference.md: every option of the config file, from the schema itself. */
import { z } from 'zod'
import { configSchema } from '../../src/config/schema/config.ts'
import { conditionSchema } from '../../src/config/schema/environment/condition.ts'

const head = `# Every option

Made from the schema by \`npm run generate\`. A name in capitals stands for one of your choosing, \`[]\` for each item of a list. What has
no default may be left out, unless it says \`required\`. Any mapping may hold \`when\`, and is left out if the condition does not hold; any
value may hold \`\${NAME}\` or \`\${NAME:-default}\`. What they are for is told by the other pages; \`gatehouse check\` says what a value should have been.

A list of one item may be written as that item: \`methods: GET\`, \`use: acme\`. A listener may be written as its address, an upstream as its targets, an environment
file as its path, a command as one text that is split as a shell splits it, if it needs no shell.
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
  const lines = rows.map(({ path, value, default: usual, description }) => {
    return `| ${[`\`${path}\``, value, usual, description].map(cell).join(' | ')} |`
  })
  return `## ${title}\n\n| Option | Value | Default | |\n| --- | --- | --- | --- |\n${lines.join('\n')}\n`
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}

/** What is asked for, and what it is made of; a mapping that stands in two places is told once. */
function rowsOf(path: string, schema: z.ZodType, known: Map<z.ZodType, string>): readonly Row[] {
  const { core, usual, description } = peel(schema)
  const row = { path, description, default: usual ?? (schema.safeParse(undefined).success ? '' : 'required') }
  const elsewhere = known.get(core)
  if (elsewhere !== undefined) return [{ ...row, value: `as \`${elsewhere}\`` }]
  const below = partsOf(core)
  if (below) known.set(core, path)
  const rows = below?.flatMap(({ suffix, part }) => rowsOf(path + suffix, part, known)) ?? []
  // An item that is nothing but a mapping needs no line of its own; one that may be a text too does.
  const isBareItem = /(\[\]|\.NAME)$/.test(path) && core instanceof z.ZodObject && description === ''
  return isBareItem ? rows : [{ ...row, value: wordsFor(core) }, ...rows]
}

interface Part {
  readonly suffix: string
  readonly part: z.ZodType
}

/** What stands below it in the file; undefined: it is told by its value alone. */
function partsOf(core: z.ZodType): readonly Part[] | undefined {
  if (core instanceof z.ZodObject)
    return Object.entries(core.shape).map(([key, part]) => ({ suffix: `.${key}`, part: part as z.ZodType }))
  if (core instanceof z.ZodArray) return inside('[]', core.element as z.ZodType)
  if (core instanceof z.ZodRecord) return inside('.NAME', core.valueType as z.ZodType)
  if (core instanceof z.ZodUnion) return firstOf(core.options as z.ZodType[])
  return undefined
}

/** Of what is made of texts alone the value tells all. */
function inside(suffix: string, item: z.ZodType): readonly Part[] | undefined {
  return partsOf(peel(item).core) && [{ suffix, part: item }]
}

function firstOf(options: readonly z.ZodType[]): readonly Part[] | undefined {
  return options.map((option) => partsOf(peel(option).core)).find((parts) => parts !== undefined)
}

interface Peeled {
  readonly core: z.ZodType
  /** As it would be written. */
  readonly usual: string | undefined
  readonly description: string
}

/** Through defaults, optional and transforms; the outermost words count. */
function peel(schema: z.ZodType): Peeled {
  const description = schema.description ?? ''
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable) return under(schema.unwrap() as z.ZodType)
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    const inner = under(schema.unwrap() as z.ZodType)
    return { ...inner, usual: written(schema.def.defaultValue) ?? inner.usual }
  }
  if (schema instanceof z.ZodPipe && !isScalar(schema)) return under(schema.in as z.ZodType)
  return { core: schema, usual: undefined, description }

  function under(inner: z.ZodType): Peeled {
    const peeled = peel(inner)
    return { ...peeled, description: description || peeled.description }
  }
}

function written(value: unknown): string | undefined {
  if (value === undefined || (typeof value === 'object' && JSON.stringify(value).length === 2)) return undefined
  return `\`${typeof value === 'object' ? JSON.stringify(value).replaceAll('"', '') : value}\``
}

/** A text that is read into something else; other pipes lead to what is written in the file. */
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
    return [...new Set(options)].filter((words) => words !== '').join(', or ')
  }
  if (core instanceof z.ZodUnknown) return ''
  throw new Error(`the reference cannot tell what a ${core.def.type} is`)
}

/** The words of the diagnostic: "expected ...". */
function expectedBy(schema: z.ZodType): string | undefined {
  const { error } = schema.def as { error?: (issue: object) => unknown }
  const said = error?.({ code: 'invalid_type' })
  return typeof said === 'string' ? said : undefined
}
