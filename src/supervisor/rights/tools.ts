import { isAllowed } from '../../shared/execution/fault.ts'
import { findTool, packages, systemFolders, type ToolName } from '../../shared/system/system-tools.ts'
import { RightsError } from './rights-error.ts'

/**
 * A tool with arguments, to be put before a command; empty if there are no arguments. `option`: the config option that
 * needs it. Throws `RightsError` if it is missing; `find` returns the path of a tool.
 */
export function tool(
  name: ToolName,
  words: readonly string[],
  option: string,
  find: (name: string) => string | undefined = toolPath,
): readonly string[] {
  if (words.length === 0) return []
  const path = find(name)
  if (path !== undefined) return [path, ...words]
  const place = systemFolders.join(', ')
  throw new RightsError(`${name}: not found in ${place}; install ${packages[name]}, which \`${option}\` needs`)
}

export function toolPath(name: string): string | undefined {
  return findTool(name, isAllowed)
}
