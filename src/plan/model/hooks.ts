/** What the supervisor calls when something happens to a process. */
import type { SourcePosition } from '../../config/diagnostics.ts'
import type { HookEvent } from '../../config/schema/hooks.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'

export type { HookEvent }

export interface HookPlan {
  readonly on: readonly HookEvent[]
  /** Only what happens to these; absent: to any. */
  readonly processes?: readonly string[]
  readonly call: HookCall
  /** Time limit for the command or the response. */
  readonly timeout: Milliseconds
  readonly position: SourcePosition
}

export type HookCall =
  | {
      readonly kind: 'run'
      /** Never passed through a shell. */
      readonly command: readonly string[]
      /** What to show of its program, if variables were put into it (resolve/written.ts). */
      readonly written?: string
      /** Absolute. */
      readonly directory: string
      /** Contains secrets. */
      readonly environment: Readonly<Record<string, string>>
    }
  /** The URL is a secret beyond its origin. */
  | { readonly kind: 'post'; readonly url: string }
