import { accessSync, constants, readFileSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { type Execution, type ExecutionFault, executionFault } from '../shared/execution/fault.ts'
import { type Reading, readUntrusted } from '../shared/files/safe-file.ts'

/** Read-only access to the disk while planning; tests replace it. */
export interface FileFacts {
  /** Follows links; what cannot be inspected counts as absent. */
  kindOf(path: string): 'file' | 'directory' | 'other' | 'absent'
  /** The text of a file; throws what `node:fs` throws. */
  read(path: string): string
  /** Why a command could not be executed here; absent: not checked, as for a file of another machine. */
  executionFault?(execution: Execution): ExecutionFault | undefined
  /**
   * Like `read`, and also who else can change the file; for files that programs depend on. Default: `read`, without a risk.
   */
  readUntrusted?(path: string): Reading
  /** The current user; absent: root. */
  readonly user?: FileUser
}

export interface FileUser {
  readonly uid: number
  /** Whether files can be created in this folder; a missing folder would be created. */
  canCreateIn(folder: string): boolean
  /** Whether this user owns the folder. */
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
  readUntrusted,
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

/** Undefined if it is not a folder or cannot be inspected. */
function ownerOf(folder: string): number | undefined {
  try {
    const stats = statSync(folder)
    return stats.isDirectory() ? stats.uid : undefined
  } catch {
    return undefined
  }
}
