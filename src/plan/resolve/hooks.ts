import type { HookPlan } from '../model/hooks.ts'
import { keyPosition, type PlanContext } from './plan-context.ts'
import { commandAt } from './written.ts'

/** A hook is excluded if `when` excludes all of its processes. */
export function resolveHooks(context: PlanContext): readonly HookPlan[] {
  const { config, content, directory, environment } = context
  return config.hooks.flatMap(({ on, processes, run, url, timeout }, index): HookPlan[] => {
    const present = processes?.filter((name) => !content.excluded.processes.has(name))
    if (present?.length === 0) return []
    const { program: written } = commandAt(context, ['hooks', index, 'run'])
    const command = { command: run ?? [], ...(written !== undefined && { written }) }
    return [
      {
        on,
        ...(present && { processes: present }),
        call:
          url === undefined
            ? { kind: 'run', ...command, directory, environment: { ...environment } }
            : { kind: 'post', url },
        timeout,
        position: keyPosition(context, ['hooks', index]),
      },
    ]
  })
}
