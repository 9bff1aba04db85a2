import { suggestion } from '../../../config/hints/suggest.ts'
import { keyPositionAt } from '../../../config/yaml/located.ts'
import { dependencyGraph } from '../../graph/dependency-graph.ts'
import { findCycles } from '../../graph/graph.ts'
import { type Check, valuePosition, wasLost } from '../../resolve/plan-context.ts'

/** A process depends on processes that exist. */
export const dependencies: Check = (context, report) => {
  const { written, declared } = context.content
  if (!declared.processes) return
  for (const { name, needs } of dependencyGraph(context)) {
    for (const need of needs) {
      if (declared.processes.has(need)) continue
      report({
        code: 'unknown-process',
        at: keyPositionAt(written, dependencyPath(name, need)),
        message: `\`${name}\` depends on \`${need}\`, which is not a process`,
        hint:
          suggestion(
            need,
            [...declared.processes].filter((other) => other !== name),
            'processes',
          ) ?? `there is no other process: write an entry \`${need}\` below \`processes\`, or remove this`,
      })
    }
  }
}

/** Processes that wait for each other would never start. */
export const dependencyCycles: Check = (context, report) => {
  for (const cycle of findCycles(dependencyGraph(context))) {
    const [first = '', last = ''] = [cycle[0], cycle.at(-2)]
    const alone = first === last
    report({
      code: 'dependency-cycle',
      at: keyPositionAt(context.content.written, dependencyPath(last, first)),
      message: alone ? `\`${first}\` depends on itself` : `these processes depend on each other: ${cycle.join(' → ')}`,
      hint: alone ? 'remove this line' : 'remove one of these dependencies',
    })
  }
}

/** A service never completes. */
export const completedServices: Check = (context, report) => {
  const { processes } = context.config
  for (const [name, { dependsOn }] of Object.entries(processes)) {
    for (const [other, condition] of Object.entries(dependsOn)) {
      const neverCompletes = Object.hasOwn(processes, other) && processes[other]?.kind === 'service'
      if (condition !== 'completed' || !neverCompletes || wasLost(context, ['processes', other, 'kind'])) continue
      report({
        code: 'dependency-never-met',
        at: valuePosition(context, dependencyPath(name, other)),
        message: `\`${name}\` waits for \`${other}\` to complete, but a service never does`,
        hint: `write \`ready\`, or make \`${other}\` a task: \`kind: task\``,
      })
    }
  }
}

function dependencyPath(name: string, need: string) {
  return ['processes', name, 'dependsOn', need]
}
