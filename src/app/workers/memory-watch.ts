import { totalmem } from 'node:os'
import type { Log } from '../../shared/log.ts'
import { setInterval } from '../../shared/time/timer.ts'
import type { WorkerMeasurements } from './workers.ts'

const every = 5_000

/** Of the memory that this process may use: a warning above `high`, and the end of it below `low`. */
const share = { high: 0.25, low: 0.2 }

/**
 * Warns when the gateway's threads hold much memory in Buffers. No heap limit bounds those, and a container that runs
 * out of memory is killed as a whole; only limits on bodies and connections prevent that.
 */
export function watchMemory(vitals: () => WorkerMeasurements['vitals'], log: Log): void {
  const look = memoryLook(log, allowedMemory())
  setInterval(() => look(vitals().reduce((sum, { external }) => sum + external, 0)), every).unref()
}

/** The returned function takes the number of bytes held now. */
export function memoryLook(log: Log, allowed: number): (external: number) => void {
  let high = false
  return (external) => {
    const facts = { external: megabytes(external), allowed: megabytes(allowed) }
    if (!high && external > allowed * share.high) {
      high = true
      log.warn(
        `the gateway holds ${facts.external} MB in buffers, of ${facts.allowed} MB available: large bodies or slow clients; lower \`limits\` or add memory`,
        facts,
      )
    } else if (high && external < allowed * share.low) {
      high = false
      log.info(`the gateway is down to ${facts.external} MB in buffers`, facts)
    }
  }
}

/** In bytes: the limit of the cgroup, or the memory of the machine. */
function allowedMemory(): number {
  const constrained = process.constrainedMemory()
  // Without a limit the kernel reports an enormous one.
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem()
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1e6)
}
