import { totalmem } from 'node:os'
import type { Log } from '../../shared/log.ts'
import { setInterval } from '../../shared/time/timer.ts'
import type { ThreadsMeasured } from './workers.ts'

const every = 5_000

/** Of the memory that this process may use: said above the first, and over again only below the second. */
const share = { high: 0.25, low: 0.2 }

/**
 * Says when the gateway's threads hold much memory in Buffers. No heap limit holds those back, and a container that runs out
 * of memory is killed as a whole; bounds on bodies and connections are what prevents it.
 */
export function watchMemory(vitals: () => ThreadsMeasured['vitals'], log: Log): void {
  const look = memoryLook(log, allowedMemory())
  setInterval(() => look(vitals().reduce((sum, { external }) => sum + external, 0)), every).unref()
}

/** Takes the bytes that are held now. */
export function memoryLook(log: Log, allowed: number): (external: number) => void {
  let high = false
  return (external) => {
    const facts = { external: megabytes(external), allowed: megabytes(allowed) }
    if (!high && external > allowed * share.high) {
      high = true
      log.warn(
        `the gateway holds ${facts.external} MB in buffers, of ${facts.allowed} MB that may be used: large bodies, or clients that read slowly`,
        facts,
      )
    } else if (high && external < allowed * share.low) {
      high = false
      log.info(`the gateway holds ${facts.external} MB in buffers again`, facts)
    }
  }
}

/** Bytes: what the cgroup allows, or what the machine has. */
function allowedMemory(): number {
  const constrained = process.constrainedMemory()
  // Without a limit the kernel tells an enormous one.
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem()
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1e6)
}
