/** Memory and kernel limits. */
import type { Entries, Value } from '../reading.ts'
import type { Report } from '../reports.ts'
import type { Field, Fields } from './fields.ts'
import type { Node } from './tree.ts'

/** Our name by theirs, and the unit. */
const limits: Readonly<Record<string, readonly [name: string, counts: 'things' | 'bytes' | 'seconds']>> = {
  nofile: ['openFiles', 'things'],
  nproc: ['processes', 'things'],
  core: ['coreSize', 'bytes'],
  fsize: ['fileSize', 'bytes'],
  data: ['dataSize', 'bytes'],
  stack: ['stackSize', 'bytes'],
  as: ['addressSpace', 'bytes'],
  memlock: ['lockedMemory', 'bytes'],
  cpu: ['cpuTime', 'seconds'],
  sigpending: ['pendingSignals', 'things'],
  msgqueue: ['messageQueues', 'bytes'],
  rtprio: ['realtimePriority', 'things'],
}

export function limitEntries(service: Fields, report: Report): Entries {
  const fields = service.fields('ulimits')
  const entries = (fields?.unread() ?? []).flatMap(({ key, at, value }): [string, Value][] => {
    const [name, counts] = (Object.hasOwn(limits, key) ? limits[key] : undefined) ?? []
    if (name === undefined || counts === undefined) {
      report(at, 'untranslated', `there is no limit \`${key}\``)
      return []
    }
    const limit = limitOf(value, (number) => amount(number, counts))
    if (limit === undefined) report(at, 'untranslated', `\`${key}\` is not a number, or \`soft\` and \`hard\``)
    return limit === undefined ? [] : [[name, limit]]
  })
  return entries.length > 0 ? { limits: Object.fromEntries(entries) } : {}
}

function limitOf(node: Node, amountOf: (text: string) => Value | undefined): Value | undefined {
  if (node.kind === 'scalar') return amountOf(node.text)
  if (node.kind !== 'mapping') return undefined
  const [soft, hard] = ['soft', 'hard'].map((key) => {
    const value = node.entries.get(key)?.value
    return value?.kind === 'scalar' ? amountOf(value.text) : undefined
  })
  return soft === undefined || hard === undefined ? undefined : { soft, hard }
}

function amount(text: string, counts: 'things' | 'bytes' | 'seconds'): Value | undefined {
  if (text === '-1' || text === 'unlimited') return 'unlimited'
  if (!/^\d+$/.test(text)) return undefined
  if (counts === 'things' || text === '0') return Number(text)
  return counts === 'bytes' ? `${text}B` : `${text}s`
}

/** `mem_limit`, or the limit in `deploy`. */
export function memoryEntries(service: Fields, report: Report): Entries {
  const found = service.text('mem_limit') ?? memoryOfDeploy(service)
  if (!found) return {}
  const memory = bytesWritten(found.value)
  if (memory === undefined) {
    report(found.at, 'untranslated', 'the memory limit is not a size such as `512m`, of 1 MB or more')
    return {}
  }
  report(
    found.at,
    'changed',
    'a process that uses more for 10 s is stopped gracefully and restarted; the kernel enforces only the limit of the container',
  )
  return { memory }
}

function memoryOfDeploy(service: Fields): Field<string> | undefined {
  return service.fields('deploy')?.fields('resources')?.fields('limits')?.text('memory')
}

const unitInBytes: Readonly<Record<string, number>> = { B: 1, KiB: 1_024, MiB: 1_048_576, GiB: 1_073_741_824 }

/** No program runs in less, so our schema refuses it. */
const least = 1_000_000

/** Compose's `512m` is our `512MiB`. */
function bytesWritten(text: string): string | undefined {
  const [, number, unit = ''] = /^(\d+)\s*([bkmg]?)b?$/i.exec(text) ?? []
  const ours = ['B', 'KiB', 'MiB', 'GiB']['bkmg'.indexOf(unit.toLowerCase() || 'b')] ?? 'B'
  return number !== undefined && Number(number) * (unitInBytes[ours] ?? 1) >= least ? `${number}${ours}` : undefined
}
