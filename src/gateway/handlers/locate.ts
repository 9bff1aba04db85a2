/** Which file below a root a path means. */
import { join } from 'node:path'
import type { ContentEncoding, FilesPlan } from '../../plan/types.ts'
import type { Wanted } from '../files/stored-file.ts'
import { relativeFilePath } from '../target-path.ts'
import { renderingsOf } from './pages.ts'

const indexFile = 'index.html'

export interface Locator {
  /**
   * The file that a path names; a folder (with its trailing slash) names its index.html. Undefined: it names none that
   * this route would serve, whatever is on disk.
   */
  named(path: string): Wanted | undefined
  /** The first folder on the way to what a path names; undefined if that lies in the root itself. */
  topOf(path: string): Wanted | undefined
  /** The index of the folder that a path without a trailing slash might mean. */
  indexOf(path: string): Wanted | undefined
  readonly fallback: Wanted | undefined
}

export function createLocator(plan: FilesPlan, encodings: readonly ContentEncoding[]): Locator {
  const renderings = renderingsOf(plan)
  const wanted = (relative: string): Wanted => {
    return { path: join(plan.root, relative), rendering: renderings.get(relative), encodings }
  }
  const named = (path: string): Wanted | undefined => {
    const segments = relativeFilePath(path)
    if (segments === undefined) return undefined
    const relative = segments === '' || segments.endsWith('/') ? segments + indexFile : segments
    return plan.except.includes(relative) ? undefined : wanted(relative)
  }
  return {
    named,
    topOf(path) {
      const end = path.indexOf('/', 1)
      const name = end === -1 ? undefined : relativeFilePath(path.slice(0, end))
      return name === undefined ? undefined : wanted(name)
    },
    indexOf: (path) => (path.endsWith('/') ? undefined : named(`${path}/`)),
    fallback: plan.fallback === undefined ? undefined : wanted(plan.fallback),
  }
}
