/** The pages of a route: files that are rendered before they are sent, and then cached like any other. */
import { createHash } from 'node:crypto'
import type { FilesPlan } from '../../plan/model/plan.ts'
import type { Rendering } from '../files/file-request.ts'
import { pageKind } from './render.ts'

/**
 * By path relative to the root. Equal variables give equal ids, so that a reload without changes renders nothing again.
 */
export function renderingsOf({ render }: FilesPlan): ReadonlyMap<string, Rendering> {
  if (!render) return new Map()
  const { files, variables } = render
  const id = createHash('sha256')
    .update(JSON.stringify(Object.entries(variables).sort()))
    .digest('base64url')
  return new Map(
    files.map((file) => {
      const kind = pageKind(file)
      return [file, { id, type: kind.contentType, render: (text) => kind.render(text, variables) }]
    }),
  )
}
