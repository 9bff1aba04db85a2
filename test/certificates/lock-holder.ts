/** Takes the lock of a folder in a process of its own: `lock-holder.ts FOLDER HEARTBEAT STALE`. Says `held`; to each line, whether it still is. */
import { createInterface } from 'node:readline'
import { createFolderLock } from '../../src/certificates/lock.ts'

const [, , folder = '', heartbeat, stale] = process.argv
const lock = await createFolderLock(folder, { heartbeat: Number(heartbeat), stale: Number(stale) }).take()
console.log(lock ? 'held' : 'taken')
for await (const _ of createInterface({ input: process.stdin })) console.log(await lock?.stillHeld())
await lock?.release()
