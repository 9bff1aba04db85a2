/** What a process holds, as the kernel counts it (proc(5)). */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'

export interface Held {
  /** Bytes. */
  readonly resident: number
  /** What its descriptors are, without their numbers and temporary names: kind → how many. */
  readonly descriptors: Readonly<Record<string, number>>
}

export function heldBy(pid: number): Held {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  const descriptors: Record<string, number> = {}
  for (const descriptor of readdirSync(`/proc/${pid}/fd`)) {
    const kind = kindOf(`/proc/${pid}/fd/${descriptor}`)
    if (kind !== undefined) descriptors[kind] = (descriptors[kind] ?? 0) + 1
  }
  return { resident: Number(kilobytes) * 1_024, descriptors }
}

function kindOf(link: string): string | undefined {
  try {
    return readlinkSync(link)
      .replace(/:\[\d+\]$/, '')
      .replace(/^\/tmp\/gatehouse-\w+/, '')
  } catch {
    return undefined // closed meanwhile
  }
}

/** Looks each half second, until it holds no more than `wanted` says or the time is over; what it held last. */
export async function settledHold(pid: number, seconds: number, wanted: (held: Held) => boolean): Promise<Held> {
  const until = performance.now() + seconds * 1_000
  for (;;) {
    const held = heldBy(pid)
    if (wanted(held) || performance.now() > until) return held
    await pause(500)
  }
}
