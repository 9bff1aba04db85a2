import type { HookPlan } from '../model/hooks.ts'
import { commandAt } from '../model/written.ts'
import { type Asked, keyAt } from './plan-context.ts'

/** A hook all of whose processes `when` excludes is left out with them. */
export function resolveHooks(asked: Asked): readonly HookPlan[] {
  const { config, content, directory, environment } = asked
  return config.hooks.flatMap(({ on, processes, run, url, timeout }, index): HookPlan[] => {
    const present = processes?.filter((name) => !content.excluded.processes.has(name))
    if (present?.length === 0) return []
    const { program: written } = commandAt(asked, ['hooks', index, 'run'])
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
        position: keyAt(asked, ['hooks', index]),
      },
    ]
  })
}
