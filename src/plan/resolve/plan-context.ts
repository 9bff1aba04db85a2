/** The config without what `when:` excludes: the input of every check and of the plan. */
import { dirname, resolve } from 'node:path'
import type { Report, SourcePosition } from '../../config/diagnostics.ts'
import type { Variables } from '../../config/environment/interpolate.ts'
import type { FileFacts } from '../../config/file-facts.ts'
import type { LoadedContent } from '../../config/load.ts'
import type { Config } from '../../config/schema/config.ts'
import {
  deepest,
  hasLost,
  isLost,
  keyPositionAt,
  nameAt,
  type Path,
  positionAt,
  quoteAt,
} from '../../config/yaml/located.ts'
import type { DefaultPlaces } from './default-places.ts'
import { type ActiveListener, type ActiveRoute, activeListeners, activeRoute } from './gateway/active-routes.ts'
import { withDashboard } from './gateway/dashboard-routes.ts'
import { ownSecrets, withoutSecrets } from './own-secrets.ts'
import { type Launch, resolveLaunches } from './process/launch.ts'

export interface PlanContext {
  readonly content: LoadedContent
  readonly config: Config
  /** What relative paths are relative to: the folder of the file. */
  readonly directory: string
  readonly facts: FileFacts
  /** The shared variables that programs see; `content.environment` has Gatehouse's own secrets as well. */
  readonly environment: Variables
  /** By process. */
  readonly launches: ReadonlyMap<string, Launch>
  /** Absolute paths of the folder for state and of the control socket. */
  readonly storage: string
  readonly socket: string
  readonly routes: readonly ActiveRoute[]
  readonly listeners: readonly ActiveListener[]
}

/** Reports what is wrong with one aspect of the config. */
export type Check = (context: PlanContext, report: Report) => void

/** The machine that the file is read on. */
export interface Machine {
  readonly facts: FileFacts
  readonly places: DefaultPlaces
}

/** Reports the routes that are excluded along with what they name. */
export function createPlanContext(content: LoadedContent, { facts, places }: Machine, report: Report): PlanContext {
  const { config } = content
  const directory = dirname(content.path)
  const socket = socketOf(content) ?? places.socket
  const storage = config.storage === undefined ? places.storage : resolve(directory, config.storage)
  const written = config.gateway.routes.flatMap((route, index) => {
    const { excludedWith, ...active } = activeRoute(content, route, ['gateway', 'routes', index])
    if (excludedWith === undefined) return [active]
    const message = `this route is left out: \`when\` excludes ${excludedWith}`
    report({ severity: 'note', code: 'route-excluded', at: positionAt(content.tree, active.path), message })
    return []
  })
  const routes = withDashboard(written, config.control, socket)
  const environment = withoutSecrets(content.environment, ownSecrets(content))
  const listeners = activeListeners(content, routes.length > 0)
  const launches = resolveLaunches(content, environment)
  return { content, config, directory, facts, environment, launches, storage, socket, routes, listeners }
}

/** Absolute path of the control socket that the file names; undefined if it names none. */
export function socketOf({ config, path }: LoadedContent): string | undefined {
  const { socket } = config.control
  return socket === undefined ? undefined : resolve(dirname(path), socket)
}

export function valuePosition(context: PlanContext, path: Path): SourcePosition {
  return positionAt(context.content.tree, path)
}

export function keyPosition(context: PlanContext, path: Path): SourcePosition {
  return keyPositionAt(context.content.tree, path)
}

/** A value as a message may show it: as written, never the value of a variable. */
export function quotedValue(context: PlanContext, path: Path): string {
  return quoteAt(context.content.tree, path)
}

/** The same as a name, without "the value of". */
export function writtenName(context: PlanContext, path: Path): string {
  return nameAt(context.content.tree, path)
}

/** Whether the value has no variables in it, so that a corrected form of it may be shown. */
export function isLiteral(context: PlanContext, path: Path): boolean {
  const { node } = deepest(context.content.tree, path)
  return node.kind === 'scalar' && node.value === node.written
}

/** Whether something is missing only because an error in it was already reported. */
export function wasLost(context: PlanContext, path: Path): boolean {
  return isLost(context.content.tree, path)
}

/** Whether what is at `path` is complete: neither it nor a part of it was removed because of an error. */
export function isIntact(context: PlanContext, path: Path): boolean {
  const { node, steps } = deepest(context.content.tree, path)
  return steps < path.length ? !wasLost(context, path) : !hasLost(node)
}

export function absolute(context: PlanContext, path: string): string {
  return resolve(context.directory, path)
}
