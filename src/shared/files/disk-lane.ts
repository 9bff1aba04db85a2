import { trackCall } from '../system/pending-calls.ts'

/**
 * One call to the disk at a time, over all that share a lane. A disk that hangs (a network volume whose server is gone) holds the
 * thread that asked it until it answers, and Node has four such threads for the whole process: name look-ups, compression
 * and static files of the gateway's threads need them too. So log files may take one of them and no more, and so may
 * backups, and in each of the gateway's threads what strangers ask for. A call may be several steps: nothing of the lane comes in between.
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
