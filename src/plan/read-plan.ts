/** The front door of config and plan for the rest of the house. */
import type { FileToCreate } from '../config/environment/environment-files.ts'
import { disk, type FileFacts } from '../config/file-facts.ts'
import { load } from '../config/load.ts'
import { defaultPlaces } from './resolve/default-places.ts'
import { socketOf } from './resolve/plan-context.ts'
import { type Resolved, resolve } from './resolve/resolve.ts'

export interface PlanReading extends Resolved {
  /**
   * Absolute paths at which a Gatehouse with this file may have its control socket, the most likely first. Known also of a file that
   * has mistakes or cannot be read.
   */
  readonly sockets: readonly string[]
  /** Names that `when:` leaves out. */
  readonly excluded: {
    readonly processes: readonly string[]
    readonly listeners: readonly string[]
    readonly upstreams: readonly string[]
  }
  /** Environment files that are still to be written: until then the plan has texts in the place of what is generated. */
  readonly filesToCreate: readonly FileToCreate[]
}

/**
 * Reads a config file and says what it asks for, or all that is wrong with it. `environment` holds the variables of
 * this process, without undefined ones. Never throws for what the file says.
 */
export function readPlan(
  file: string,
  environment: Readonly<Record<string, string>>,
  facts: FileFacts = disk,
): PlanReading {
  const loaded = load(file, environment, facts)
  const { processes = [], listeners = [], upstreams = [] } = loaded.content?.excluded ?? {}
  const excluded = { processes: [...processes], listeners: [...listeners], upstreams: [...upstreams] }
  const { content } = loaded
  const places = defaultPlaces(environment, facts.user)
  const socket = content && socketOf(content)
  return {
    ...resolve(loaded, { facts, places }),
    sockets: socket === undefined ? places.sockets : [socket],
    excluded,
    filesToCreate: content?.filesToCreate ?? [],
  }
}
