/**
 * Imported before nearly everything else: PID 1 of a container loses signals without a handler, also in the first
 * moments.
 */
import { isMainThread } from 'node:worker_threads'
import { listenForSignals } from '../app/signals.ts'

// Signals end all other verbs, as any program.
if (isMainThread && process.argv[2] === 'run') listenForSignals()
