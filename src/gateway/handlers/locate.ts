import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { FilesPlan } from '../../plan/types.ts'
import { relativeFilePath } from '../target-path.ts'

const indexFile = 'index.html'

/**
 * The file below the plan's root that a path names, relative to the root; a folder (with its trailing slash) names its
 * index.html. Undefined: there is no such file, or this route does not serve it.
 */
export async function locate(plan: FilesPlan, path: string): Promise<string | undefined> {
  const named = relativeFilePath(path)
  if (named === undefined) return undefined
  const relative = named === '' || named.endsWith('/') ? named + indexFile : named
  if (plan.except.includes(relative)) return undefined
  return (await isFile(join(plan.root, relative))) ? relative : undefined
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile()
  } catch {
    // Missing, a file in place of a folder, a name too long, not ours to read: no file that could be served.
    return false
  }
}
