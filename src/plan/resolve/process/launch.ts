import { applyLayers } from '../../../config/environment/environment.ts'
import type { Variables } from '../../../config/environment/interpolate.ts'
import type { LoadedContent } from '../../../config/load.ts'
import type { ProcessConfig } from '../../../config/schema/process/process.ts'
import type { Bytes } from '../../../shared/bytes.ts'
import { launchSize } from '../../launch-size.ts'
import { portPlaceholder } from '../../model/own-port.ts'
import { withoutAccount } from '../../model/rights.ts'
import { namedInFull } from '../own-secrets.ts'
import { inherited } from './inherited.ts'

/** What a process is started with. */
export interface Launch {
  readonly environment: Readonly<Record<string, string>>
  /** Of its arguments and variables, as execve(2) counts it. */
  readonly size: Bytes
}

/** By process. `environment`: the shared variables that programs see. */
export function resolveLaunches(content: LoadedContent, environment: Variables): ReadonlyMap<string, Launch> {
  return new Map(
    Object.entries(content.config.processes).map(([name, process]) => {
      const own = childEnvironment(content, environment, name, process)
      return [name, { environment: own, size: launchSize(process.command, own) }]
    }),
  )
}

/** In order of precedence, lowest first: shared variables, its own files, its port, its own `set`. */
function childEnvironment(
  content: LoadedContent,
  environment: Variables,
  name: string,
  { port, user, environment: own }: ProcessConfig,
): Readonly<Record<string, string>> {
  const { files = {}, set = {}, unset = new Set<string>() } = content.processEnvironments.get(name) ?? {}
  const shared = { ...inherited(environment, own?.only), ...namedInFull(content.environment, own?.only) }
  const common = user ? withoutAccount(shared) : shared
  return applyLayers(common, { files: { ...files, ...(port !== undefined && { PORT: portPlaceholder }) }, set, unset })
}
