import type { Milliseconds } from '../../shared/time/duration.ts'

/**
 * For calls that could not be made because this machine was short of a resource: not counted as attempts, but limited,
 * too.
 */
export const shortageRetries: { readonly most: number; readonly pause: Milliseconds } = { most: 30, pause: 1_000 }
