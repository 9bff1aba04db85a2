/** The thread that reads the config file for a reload, and sends the plan piece by piece. */
import { parentPort, workerData } from 'node:worker_threads'
import { readPlan } from '../../plan/read-plan.ts'
import { piecesOf } from './plan-pieces.ts'
import { readPlanToRun } from './plan-to-run.ts'

export interface ReadRequest {
  readonly file: string
  readonly env: Readonly<Record<string, string>>
  /** Whether to write missing environment files with `create`. */
  readonly create: boolean
}

const port = parentPort
const { file, env, create } = workerData as ReadRequest
const reading = create ? readPlanToRun(file, env) : Promise.resolve({ ...readPlan(file, env), created: [] })
// Not caught: an error ends the thread, and so rejects the promise of the main thread.
void reading.then((read) => {
  const pieces = piecesOf(read)
  const send = () => {
    const { value } = pieces.next()
    if (value) port?.postMessage(value)
    if (!value || value.kind === 'end') port?.close()
  }
  port?.on('message', send)
  send()
})
