import { readFileSync, statSync } from 'node:fs'

/** What planning may ask about the disk: nothing is ever written, and a test may answer instead. */
export interface FileFacts {
  /** Links are followed; what cannot be looked at counts as absent. */
  kindOf(path: string): 'file' | 'directory' | 'other' | 'absent'
  /** The text of a file; throws what `node:fs` throws. */
  read(path: string): string
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
}
