/**
 * How a runtime is told what it may use. Left alone, Java takes its part of what the whole container may use, as if it were
 * alone in it, and Node of what the machine has.
 */
import { basename } from 'node:path'
import type { ProcessPlan } from '../../plan/model/plan.ts'
import type { Bytes } from '../../shared/bytes.ts'

interface Runtime {
  /** The variable by which it takes options. */
  readonly variable: string
  /** What it is told. */
  option(share: Bytes): string
  /** Words by which a user has decided already, in the variable or in the command. */
  readonly decided: RegExp
}

/** Node's heap beside its buffers, its code and its stacks. */
const nodeHeap = 0.75

const runtimes: Readonly<Record<string, Runtime>> = {
  // Its own percentages (MaxRAMPercentage: 25 unless the user says otherwise) then count from this.
  java: {
    variable: 'JAVA_TOOL_OPTIONS',
    option: (share) => `-XX:MaxRAM=${share}`,
    decided: /(^|\s)-(Xmx|XX:MaxRAM=|XX:MaxHeapSize=)/,
  },
  // Both - and _ are read by V8; the size is in MiB.
  node: {
    variable: 'NODE_OPTIONS',
    option: (share) => `--max-old-space-size=${Math.max(1, Math.floor((share * nodeHeap) / 2 ** 20))}`,
    decided: /(^|\s)--max[-_](old[-_]space|heap)[-_]size/,
  },
}

type Hinted = Pick<ProcessPlan, 'command' | 'environment'>

/** The plan with a hint of `share` in its environment, if its program is java or node by its name; else as it was. */
export function withMemoryHint<T extends Hinted>(plan: T, share: Bytes | undefined): T {
  const name = basename(plan.command[0] ?? '')
  const runtime = Object.hasOwn(runtimes, name) ? runtimes[name] : undefined
  if (!runtime || share === undefined) return plan
  const { variable, option, decided } = runtime
  const before = plan.environment[variable] ?? ''
  // What comes in the command wins over the variable anyway; then there is nothing to be said.
  if (decided.test(before) || decided.test(plan.command.join(' '))) return plan
  return { ...plan, environment: { ...plan.environment, [variable]: `${before} ${option(share)}`.trim() } }
}
