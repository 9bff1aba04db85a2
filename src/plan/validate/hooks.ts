import { suggestion } from '../../config/hints/suggest.ts'
import { type Check, shown, valueAt } from '../resolve/plan-context.ts'

/** A hook waits for processes that exist. */
export const hookProcesses: Check = (asked, report) => {
  const { processes: declared } = asked.content.declared
  if (!declared) return
  for (const [index, { processes = [] }] of asked.config.hooks.entries()) {
    for (const [position, name] of processes.entries()) {
      if (declared.has(name)) continue
      const where = ['hooks', index, 'processes', position]
      report({
        code: 'unknown-process',
        at: valueAt(asked, where),
        message: `${shown(asked, where)} is not a process`,
        mend: suggestion(name, [...declared], 'processes') ?? 'name an entry of `processes`, or leave `processes` out',
      })
    }
  }
}
