/** The capabilities of this process (capabilities(7)); root in a container lacks many. */
import { readFileSync } from 'node:fs'

const bits = { CAP_SETGID: 6, CAP_SETUID: 7, CAP_SYS_PTRACE: 19, CAP_SYS_NICE: 23, CAP_SYS_RESOURCE: 24 } as const

export type Capability = keyof typeof bits

export function isCapable(capability: Capability): boolean {
  try {
    const mask = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1]
    return mask !== undefined && ((BigInt(`0x${mask}`) >> BigInt(bits[capability])) & 1n) === 1n
  } catch {
    return process.geteuid?.() === 0 // not Linux
  }
}
