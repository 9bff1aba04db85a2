import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Bytes } from '../../shared/bytes.ts'

/** So much passes between two collections. */
const worthCollecting: Bytes = 16_000_000

type Collect = (options: { readonly type: 'minor' }) => void

let spent: Bytes = 0
let collect: Collect | undefined

/**
 * Every piece of a body is a buffer of its own outside the heap, and V8 comes for the spent ones by the fill of its heap:
 * a download of gigabytes makes few objects, and 80 MB of spent buffers stood in the resident set. A collection of the
 * young ones after every 16 MB keeps it to 20 MB; small bodies come to it once in thousands of requests.
 */
export function countSpent(bytes: Bytes): void {
  spent += bytes
  if (spent < worthCollecting) return
  spent = 0
  collect ??= findCollector()
  collect({ type: 'minor' })
}

/** V8 offers it behind a flag, which is taken back at once: code caches are refused under other flags than their own. */
function findCollector(): Collect {
  setFlagsFromString('--expose-gc')
  const found = runInNewContext('gc') as Collect
  setFlagsFromString('--no-expose-gc')
  return found
}
