/**
 * Passes a memory limit to the runtime of a program. By default Java sizes its heap by the limit of the whole
 * container, as if it were alone in it, and Node by the memory of the machine.
 */
import { basename } from 'node:path'
import type { ProcessPlan } from '../../plan/model/plan.ts'
import type { Bytes } from '../../shared/bytes.ts'

interface Runtime {
  /** The environment variable that it reads options from. */
  readonly variable: string
  /** The option that sets the limit. */
  option(share: Bytes): string
  /** Options by which the user has set a limit, in the variable or in the command. */
  readonly decided: RegExp
}

/** The part for Node's heap; the rest is for buffers, code and stacks. */
const nodeHeap = 0.75

const runtimes: Readonly<Record<string, Runtime>> = {
  // Its own percentages (MaxRAMPercentage, 25 by default) then refer to this.
  java: {
    variable: 'JAVA_TOOL_OPTIONS',
    option: (share) => `-XX:MaxRAM=${share}`,
    decided: /(^|\s)-(Xmx|XX:MaxRAM=|XX:MaxHeapSize=)/,
  },
  // V8 accepts both - and _; the size is in MiB.
  node: {
    variable: 'NODE_OPTIONS',
    option: (share) => `--max-old-space-size=${Math.max(1, Math.floor((share * nodeHeap) / 2 ** 20))}`,
    decided: /(^|\s)--max[-_](old[-_]space|heap)[-_]size/,
  },
}

type Hinted = Pick<ProcessPlan, 'command' | 'environment'>

/** The plan with the limit `share` in its environment, if its program is called java or node; else unchanged. */
export function withMemoryHint<T extends Hinted>(plan: T, share: Bytes | undefined): T {
  const name = basename(plan.command[0] ?? '')
  const runtime = Object.hasOwn(runtimes, name) ? runtimes[name] : undefined
  if (!runtime || share === undefined) return plan
  const { variable, option, decided } = runtime
  const before = plan.environment[variable] ?? ''
  // The user has decided; in the command it would override the variable anyway.
  if (decided.test(before) || decided.test(plan.command.join(' '))) return plan
  return { ...plan, environment: { ...plan.environment, [variable]: `${before} ${option(share)}`.trim() } }
}
