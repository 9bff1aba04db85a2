import { Worker, type WorkerOptions } from 'node:worker_threads'
import { type AssetName, embeddedAsset, isSingleExecutable } from '../../shared/assets.ts'
import { attachToWorkers } from './worker-inspector.ts'

/** The code of a thread: an asset of the single executable, or a file below `src/`. */
export interface WorkerCode {
  readonly asset: AssetName
  readonly source: string
}

/** Starts a thread. All are started here, because the inspector must be attached before the first one. */
export function startWorker({ asset, source }: WorkerCode, options: WorkerOptions): Worker {
  attachToWorkers()
  return isSingleExecutable
    ? new Worker(embeddedAsset(asset), { ...options, eval: true })
    : new Worker(new URL(`../../${source}`, import.meta.url), options)
}
