import { trackCall } from '../system/pending-calls.ts'

/**
 * One call to the disk at a time for all users of a lane. A disk that hangs (a network volume whose server is gone)
 * blocks one of Node's four threads for such calls, which the whole process needs for DNS lookups, compression and
 * static files. So log files get one of them at most, backups as well, and in each gateway thread the files of
 * requests. A call may have several steps, which no other call interrupts.
 */
export type DiskLane = <T>(call: () => Promise<T>) => Promise<T>

export function createDiskLane(): DiskLane {
  let last: Promise<unknown> = Promise.resolve()
  return (call) => {
    const result = last.then(() => trackCall(call()))
    last = result.catch(() => {})
    return result
  }
}
