/** The entry point of config and plan for all other folders. */
import type { FileToCreate } from '../config/environment/environment-files.ts'
import { disk, type FileFacts } from '../config/file-facts.ts'
import { load } from '../config/load.ts'
import { defaultPlaces } from './resolve/default-places.ts'
import { socketOf } from './resolve/plan-context.ts'
import { type Resolved, resolve } from './resolve/resolve.ts'

export interface PlanReading extends Resolved {
  /**
   * Absolute paths at which a Gatehouse with this file may have its control socket, the most likely first. Present even
   * if the file is invalid or cannot be read.
   */
  readonly sockets: readonly string[]
  /** Names that `when:` excludes. */
  readonly excluded: {
    readonly processes: readonly string[]
    readonly listeners: readonly string[]
    readonly upstreams: readonly string[]
  }
  /** Environment files still to be written: until then the plan has placeholders for what is generated. */
  readonly filesToCreate: readonly FileToCreate[]
}

/**
 * Reads a config file and returns its plan, or everything that is wrong with it. `environment` is the environment of
 * this process. Never throws because of the file's content.
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
