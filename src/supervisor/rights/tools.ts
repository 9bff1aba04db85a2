import { isAllowed } from '../../shared/execution/fault.ts'
import { findTool, packages, systemFolders, type ToolName } from '../../shared/system/system-tools.ts'
import { RightsError } from './rights-error.ts'

/**
 * A tool with words for it, to stand before a command; nothing if there are none. `option`: what needs it. Throws `RightsError` where it is
 * missing; `find` gives the path of a tool.
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
