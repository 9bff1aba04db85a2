import { anyText, text } from './scalars.ts'
import { listOf, mapping, named, variableName } from './structures.ts'

export const environmentSchema = mapping({
  files: listOf(
    mapping({ path: text('the path of a file').describe('A file of lines NAME=value, relative to this file') }),
    'a list of files: `[{ path: app.env }]`',
  )
    .describe('Files of variables; later ones win')
    .optional(),
  set: named(anyText, variableName).describe('Variables in order; each may use those before it').optional(),
})
