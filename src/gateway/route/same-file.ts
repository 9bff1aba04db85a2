/**
 * A file is served under more paths than its own: as the index of its folder, and with the suffix of a precompressed
 * copy.
 */
import type { HandlerPlan } from '../../plan/model/plan.ts'
import { suffixes } from '../files/file-request.ts'
import { indexFile } from '../handlers/locate.ts'

const endings = Object.values(suffixes)

/**
 * Other paths that serve the same content: of `/a/index.html.gz` `/a/index.html` and `/a/`. Takes and returns keys
 * (`foldPath`).
 */
export function otherNamesOf(key: string): readonly string[] {
  const names: string[] = []
  let name = key
  for (let ending = endingOf(name); ending !== undefined; ending = endingOf(name)) {
    name = name.slice(0, -ending.length)
    names.push(name)
  }
  if (name.endsWith('/')) names.push(name + indexFile)
  else if (name.endsWith(`/${indexFile}`)) names.push(name.slice(0, -indexFile.length))
  return names
}

function endingOf(name: string): string | undefined {
  return endings.find((ending) => name.endsWith(ending))
}

/** Whether both may serve the same file: the folder of one contains that of the other. */
export function shareFiles(a: HandlerPlan, b: HandlerPlan): boolean {
  const [one, other] = [placeOf(a), placeOf(b)]
  if (one === undefined || other === undefined) return false
  return `${one}/`.startsWith(`${other}/`) || `${other}/`.startsWith(`${one}/`)
}

function placeOf(handler: HandlerPlan): string | undefined {
  return handler.kind === 'files' ? handler.root : handler.kind === 'file' ? handler.path : undefined
}
