import { type Check, valuePosition } from '../../resolve/plan-context.ts'

/** A share is for services: a task would occupy it while it does not run. */
export const memory: Check = (context, report) => {
  for (const [name, process] of Object.entries(context.config.processes)) {
    if (process.kind !== 'task' || process.memory !== 'auto') continue
    report({
      code: 'contradiction',
      at: valuePosition(context, ['processes', name, 'memory']),
      message: `\`${name}\` is a task, and \`auto\` shares the memory among services only`,
      hint: 'set a size such as `memory: 512MB`, or remove `memory`',
    })
  }
}
