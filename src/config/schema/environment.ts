import { z } from 'zod'
import { derivedValueSchema } from './derived-value.ts'
import { anyText, text } from './scalars.ts'
import { mapping, named, variableName } from './structures.ts'

const fileSchema = mapping({
  path: text('the path of a file').describe('A file of lines NAME=value, relative to this file'),
})

export const environmentSchema = mapping({
  // May be empty: `when` excludes a file that the first start has yet to write.
  files: z
    .array(fileSchema, { error: () => 'a list of files: `[{ path: app.env }]`' })
    .describe('Files of variables; later ones win')
    .optional(),
  set: named(z.union([anyText, derivedValueSchema]), variableName)
    .describe('Variables in order; each may use those before it')
    .optional(),
})
