import { textOfItem } from '../../../config/yaml/command-items.ts'
import { deepest } from '../../../config/yaml/located.ts'
import { formatDuration } from '../../../shared/time/duration.ts'
import { type BackupPlan, backupPlaceholder } from '../../model/backups.ts'
import {
  type Check,
  keyPosition,
  type PlanContext,
  valuePosition,
  wasLost,
  writtenName,
} from '../../resolve/plan-context.ts'
import { longestPause, resolveBackup } from '../../resolve/process/backup.ts'

/** Backups that no task makes, that two tasks would mix up, or that are overdue before the next run. */
export const backups: Check = (context, report) => {
  const { processes } = context.config
  const others = new Map<string, BackupPlan>()
  for (const [name, process] of Object.entries(processes)) {
    const { kind, schedule, backup, command } = process
    const own = ['processes', name]
    const plan = resolveBackup(context, name, process)
    if (!backup || !plan) {
      const isNamed = command.some((word) => word.includes(backupPlaceholder))
      if (!isNamed || wasLost(context, [...own, 'backup'])) continue
      report({
        code: 'contradiction',
        at: wordAt(context, name),
        message: `this word uses \`${backupPlaceholder}\`, but \`${name}\` has no \`backup\``,
        hint: `set it: \`backup: { files: /data/backup/${name}-*.dump }\``,
      })
      continue
    }
    if (kind === 'service' && !wasLost(context, [...own, 'kind'])) {
      report({
        code: 'contradiction',
        at: keyPosition(context, [...own, 'backup']),
        message: `\`${name}\` has a \`backup\`, but a service never completes one`,
        hint: 'make it a task: `kind: task`',
      })
    }
    const [rival] = [...others].find(([, other]) => takes(plan, other) || takes(other, plan)) ?? []
    others.set(name, plan)
    if (rival !== undefined) {
      report({
        code: 'contradiction',
        at: valuePosition(context, [...own, 'backup', 'files']),
        message: `\`${name}\` and \`${rival}\` would treat each other's files as their own backups`,
        hint: `give each a name of its own: \`${name}-*\``,
      })
    }
    const pause = schedule && longestPause(schedule)
    if (pause === undefined || backup.overdue === undefined || backup.overdue > pause) continue
    const where = [...own, 'backup', 'overdue']
    report({
      severity: 'warning',
      code: 'contradiction',
      at: valuePosition(context, where),
      message: `${writtenName(context, where)} is shorter than the longest interval of \`schedule\`, ${formatDuration(pause)}`,
      hint: 'raise it, or remove it to follow the schedule',
    })
  }
}

/** Whether files of `other` have names that `one` counts, and `keep` deletes: `app-*` takes those of `app-users-*`. */
function takes(one: BackupPlan, other: BackupPlan): boolean {
  if (one.folder !== other.folder) return false
  // Such a name has a time in place of the `*`, and nothing else.
  if (one.named && other.named) return one.prefix === other.prefix && one.suffix === other.suffix
  return !one.named && other.prefix.startsWith(one.prefix) && other.suffix.endsWith(one.suffix)
}

/** The word of the command that has the placeholder. */
function wordAt(context: PlanContext, name: string) {
  const path = ['processes', name, 'command']
  const { node } = deepest(context.content.tree, path)
  const items = node.kind === 'list' ? node.items : []
  const index = items.findIndex((item) => {
    const word = textOfItem(item)
    return word.kind === 'scalar' && word.value?.includes(backupPlaceholder)
  })
  return valuePosition(context, index === -1 ? path : [...path, index])
}
