import { spawnSync } from 'node:child_process'
import { copyFileSync } from 'node:fs'

/**
 * Copies a binary and drops the copy from the page cache; returns its path. A file that was just written is in that
 * cache in large folios, which are mapped as a whole: a process from it shows 40 MB more. A binary of an image is read
 * from the disk, so that is measured.
 */
export function fromDisk(binary: string, copy: string): string {
  copyFileSync(binary, copy)
  spawnSync('sync', [copy])
  spawnSync('dd', [`if=${copy}`, 'iflag=nocache', 'count=0'])
  return copy
}
