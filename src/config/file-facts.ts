import { accessSync, constants, readFileSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { type Execution, type ExecutionFault, executionFault } from '../shared/execution/fault.ts'
import { type Reading, readDoubtfully } from '../shared/files/safe-file.ts'

/** What planning may ask about the disk: nothing is ever written, and a test may answer instead. */
export interface FileFacts {
  /** Links are followed; what cannot be looked at counts as absent. */
  kindOf(path: string): 'file' | 'directory' | 'other' | 'absent'
  /** The text of a file; throws what `node:fs` throws. */
  read(path: string): string
  /** Why a command could not be executed here; absent: this is not to be judged, as for a file of another machine. */
  executionFault?(execution: Execution): ExecutionFault | undefined
  /** The same of a file that decides what programs run with: also who else decides what it says. Default: `read`, without a doubt. */
  readDoubtfully?(path: string): Reading
  /** Who asks; absent: somebody with root's rights. */
  readonly user?: FileUser
}

export interface FileUser {
  readonly uid: number
  /** Whether something can be made in this folder, which is made itself if it is missing. */
  canCreateIn(folder: string): boolean
  /** Whether it is a folder of this user's own. */
  owns(folder: string): boolean
}

export const disk: FileFacts = {
  kindOf(path) {
    try {
      const stats = statSync(path)
      if (stats.isFile()) return 'file'
      return stats.isDirectory() ? 'directory' : 'other'
    } catch {
      return 'absent'
    }
  },
  read: (path) => readFileSync(path, 'utf8'),
  executionFault,
  readDoubtfully,
  get user(): FileUser | undefined {
    const uid = process.geteuid?.() ?? 0
    return uid === 0 ? undefined : { uid, canCreateIn, owns: (folder) => ownerOf(folder) === uid }
  },
}

function canCreateIn(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK)
    return statSync(folder).isDirectory()
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT' && dirname(folder) !== folder
    return isMissing && canCreateIn(dirname(folder))
  }
}

/** Undefined of what is no folder, or cannot be looked at. */
function ownerOf(folder: string): number | undefined {
  try {
    const stats = statSync(folder)
    return stats.isDirectory() ? stats.uid : undefined
  } catch {
    return undefined
  }
}
