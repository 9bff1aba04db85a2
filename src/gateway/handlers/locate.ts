/** Maps paths to files below a root. */
import { join } from 'node:path'
import type { ContentEncoding, FilesPlan } from '../../plan/model/plan.ts'
import { type FileRequest, suffixes } from '../files/file-request.ts'
import { relativeFilePath } from '../request/target-path.ts'
import { renderingsOf } from './pages.ts'

export const indexFile = 'index.html'

export interface Locator {
  /**
   * The file that a path names; of a folder (with a trailing slash), its index.html. Undefined: no file that this route
   * would serve, whatever is on disk.
   */
  named(path: string): FileRequest | undefined
  /** The first folder of a path; undefined for a path in the root itself. */
  topOf(path: string): FileRequest | undefined
  /** The index of the folder that a path without a trailing slash may name. */
  indexOf(path: string): FileRequest | undefined
  readonly fallback: FileRequest | undefined
}

export function createLocator(plan: FilesPlan, encodings: readonly ContentEncoding[]): Locator {
  const renderings = renderingsOf(plan)
  const excepted = createExceptions(plan.except)
  const fileOf = (relative: string): FileRequest => {
    const path = join(plan.root, relative)
    return { path, rendering: renderings.get(relative), encodings, ...excepted?.withholds(relative) }
  }
  const named = (path: string): FileRequest | undefined => {
    const segments = relativeFilePath(path)
    if (segments === undefined) return undefined
    const relative = segments === '' || segments.endsWith('/') ? segments + indexFile : segments
    return excepted?.hides(relative) ? undefined : fileOf(relative)
  }
  return {
    named,
    topOf(path) {
      const end = path.indexOf('/', 1)
      const name = end === -1 ? undefined : relativeFilePath(path.slice(0, end))
      return name === undefined ? undefined : fileOf(name)
    },
    indexOf: (path) => (path.endsWith('/') ? undefined : named(`${path}/`)),
    fallback: plan.fallback === undefined ? undefined : fileOf(plan.fallback),
  }
}

const endings = Object.values(suffixes)

interface Exceptions {
  /**
   * Whether a path relative to the root is excluded, or is a precompressed copy of an excluded file: for `a.txt`,
   * `a.txt.gz` and `a.txt.gz.br` too.
   */
  hides(relative: string): boolean
  /**
   * The precompressed copies that are excluded by their own name (`a.txt.br`): they are not sent for the file either.
   */
  withholds(relative: string): Pick<FileRequest, 'withheld'> | undefined
}

/**
 * Compares names like a case-insensitive file system, on which `Secret.txt` and `secret.txt` are one file. Undefined:
 * nothing is excluded.
 */
function createExceptions(except: readonly string[]): Exceptions | undefined {
  if (except.length === 0) return undefined
  const named = new Set(except.map(fold))
  const ofSiblings = except.some((name) => endings.some((ending) => fold(name).endsWith(ending)))
  return {
    hides(relative) {
      let name: string | undefined = fold(relative)
      while (name !== undefined && !named.has(name)) name = withoutEnding(name)
      return name !== undefined
    },
    withholds(relative) {
      if (!ofSiblings) return undefined
      const withheld = (Object.keys(suffixes) as ContentEncoding[]).filter((encoding) => {
        return named.has(fold(relative + suffixes[encoding]))
      })
      return withheld.length > 0 ? { withheld } : undefined
    },
  }
}

function withoutEnding(name: string): string | undefined {
  const ending = endings.find((one) => name.endsWith(one))
  return ending && name.slice(0, -ending.length)
}

function fold(relative: string): string {
  return relative.normalize('NFC').toLowerCase()
}
