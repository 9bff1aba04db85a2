import { getHeapSpaceStatistics } from 'node:v8'
import type { Bytes } from '../../shared/bytes.ts'

/** So much passes between two collections. */
const worthCollecting: Bytes = 16_000_000

/** Of one array that is made to be forgotten: 64 KiB, small enough for V8's space of the young. */
const filler = { elements: 8_192, bytes: 65_536 } as const

let spent: Bytes = 0
/** Filled so that the arrays are really made; emptied so that nothing of them stays. */
const forgotten: unknown[] = []

/**
 * Every piece of a body is a buffer of its own outside the heap, and V8 comes for the spent ones by the fill of its heap:
 * a download of gigabytes makes few objects, and 80 MB of spent buffers stood in the resident set. A collection of the
 * young ones after every 16 MB keeps it to 20 MB; small bodies come to it once in thousands of requests.
 */
export function countSpent(bytes: Bytes): void {
  spent += bytes
  if (spent < worthCollecting) return
  spent = 0
  collectYoung()
}

/**
 * Fills up the space of young objects, at which V8 collects it: 1 ms, as a call of `gc` takes. That function is offered behind a
 * flag, flags belong to the whole process, and another thread may be changing them in the same instant; under a changed one V8
 * also refuses code caches.
 */
function collectYoung(): void {
  const young = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')
  for (let left = young?.space_available_size ?? 0; left > 0; left -= filler.bytes) {
    forgotten[0] = new Array(filler.elements)
  }
  forgotten.length = 0
}
