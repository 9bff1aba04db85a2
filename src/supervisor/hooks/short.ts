import type { Milliseconds } from '../../shared/time/duration.ts'

/** Calls that could not even be tried, since this machine was short of something: they are not counted as attempts, but end too. */
export const triesWhenShort: { readonly most: number; readonly pause: Milliseconds } = { most: 30, pause: 1_000 }
