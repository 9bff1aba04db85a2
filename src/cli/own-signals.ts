/** Imported before nearly all else: as PID 1 of a container a signal for which no handler stands is lost, and the first moments of a start count, too. */
import { isMainThread } from 'node:worker_threads'
import { listenForSignals } from '../app/signals.ts'

// All other verbs end by a signal as any program does.
if (isMainThread && process.argv[2] === 'run') listenForSignals()
