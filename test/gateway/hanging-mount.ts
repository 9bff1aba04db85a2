/** A folder on a disk that hangs: reading it blocks, as for a network volume whose server is gone. */
import { execFileSync, spawnSync } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { whenOver } from './support.ts'

/** Whether this machine, or the container that it is, has what it takes. */
export function canHang(): boolean {
  try {
    closeSync(openSync('/dev/fuse', 'r+'))
    return true
  } catch {
    return false
  }
}

/**
 * Lays a file system in user space over the folder, which answers nothing. `end` takes it away: who waits gets an
 * error, and what lay there is there again. Undefined where it cannot be mounted.
 */
export function hangingMount(folder: string): { end(): void } | undefined {
  const device = openSync('/dev/fuse', 'r+')
  const options = 'fd=3,rootmode=40000,user_id=0,group_id=0'
  const mounted = spawnSync('mount', ['-i', '-t', 'fuse', '-o', options, 'hanging', folder], {
    stdio: ['ignore', 'ignore', 'ignore', device],
  })
  let over = false
  const end = () => {
    if (over) return
    over = true
    closeSync(device)
    if (mounted.status === 0) execFileSync('umount', ['-l', folder])
  }
  if (mounted.status !== 0) end()
  else whenOver(end)
  return mounted.status === 0 ? { end } : undefined
}
