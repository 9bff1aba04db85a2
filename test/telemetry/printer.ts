/** Prints from everywhere: `console`, Node's warnings, another thread. Then ends with code 3. */
import { Worker } from 'node:worker_threads'
import { endProcess } from '../../src/shared/system/process-end.ts'
import { flushStandardStreams, standardStream } from '../../src/telemetry/standard-streams.ts'

standardStream('stdout')
standardStream('stderr')
const line = 'x'.repeat(1_000)
const worker = new Worker(
  `for (let i = 0; i < 500; i++) { console.log('${line}'); console.error('${line}') }; process.emitWarning('${line}')`,
  { eval: true },
)
for (let i = 0; i < 500; i++) {
  console.log(line)
  process.emitWarning(line)
}
worker.on('exit', async () => {
  await flushStandardStreams()
  endProcess(3)
})
