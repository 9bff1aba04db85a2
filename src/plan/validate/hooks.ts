import { suggestion } from '../../config/hints/suggest.ts'
import { type Check, quotedValue, valuePosition } from '../resolve/plan-context.ts'

/** A hook may only name processes that exist. */
export const hookProcesses: Check = (context, report) => {
  const { processes: declared } = context.content.declared
  if (!declared) return
  for (const [index, { processes = [] }] of context.config.hooks.entries()) {
    for (const [position, name] of processes.entries()) {
      if (declared.has(name)) continue
      const where = ['hooks', index, 'processes', position]
      report({
        code: 'unknown-process',
        at: valuePosition(context, where),
        message: `${quotedValue(context, where)} is not a process`,
        hint: suggestion(name, [...declared], 'processes') ?? 'name an entry of `processes`, or remove `processes`',
      })
    }
  }
}
