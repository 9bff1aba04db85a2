/** The thread that reads the config file for a reload, and hands over what it found piece by piece. */
import { parentPort, workerData } from 'node:worker_threads'
import { readPlan } from '../../plan/read-plan.ts'
import { piecesOf } from './plan-pieces.ts'
import { readPlanToRun } from './plan-to-run.ts'

/** What is to be read. */
export interface ReadOrder {
  readonly file: string
  readonly env: Readonly<Record<string, string>>
  /** Whether environment files with `create` are written. */
  readonly create: boolean
}

const port = parentPort
const { file, env, create } = workerData as ReadOrder
const reading = create ? readPlanToRun(file, env) : Promise.resolve({ ...readPlan(file, env), created: [] })
// Not caught: the thread ends by it, and whoever waits is told.
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
