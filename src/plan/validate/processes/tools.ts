import type { ProcessConfig } from '../../../config/schema/process/process.ts'
import { findTool, packages, type ToolName } from '../../../shared/system/system-tools.ts'
import { type Check, keyPosition } from '../../resolve/plan-context.ts'

/** What each option of a process needs where it runs (supervisor/rights/launch.ts). */
const toolsByOption: readonly (readonly [option: keyof ProcessConfig, tools: readonly ToolName[]])[] = [
  ['user', ['setpriv', 'env']],
  ['noNewPrivileges', ['setpriv']],
  ['limits', ['prlimit']],
  ['nice', ['nice']],
]

/**
 * Tools that start a process with the rights it asks for. Only a warning: the file may be checked on another machine.
 */
export const tools: Check = (context, report) => {
  const reported = new Set<ToolName>()
  for (const [name, process] of Object.entries(context.config.processes)) {
    for (const [option, wanted] of toolsByOption) {
      if (process[option] === undefined || process[option] === false) continue
      for (const tool of wanted) {
        if (reported.has(tool) || findTool(tool, (path) => context.facts.kindOf(path) === 'file')) continue
        reported.add(tool)
        report({
          severity: 'warning',
          code: 'missing-tool',
          at: keyPosition(context, ['processes', name, option]),
          message: `\`${option}\` needs ${tool}, which this machine does not have`,
          hint: `install ${packages[tool]}: without it the process cannot start`,
        })
      }
    }
  }
}
