/** Imported before the command is parsed, which takes longer than to start a thread. */
import { isMainThread } from 'node:worker_threads'
import { startEarlyThread } from '../app/workers/gateway-thread.ts'
import { standardStream } from '../telemetry/standard-streams.ts'

if (isMainThread && process.argv[2] === 'run') {
  // Node connects the thread's output with the streams of this moment, and its own would block.
  standardStream('stdout')
  standardStream('stderr')
  startEarlyThread()
}
