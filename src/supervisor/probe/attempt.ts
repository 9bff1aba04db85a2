/** One attempt to find a program ready. */

/**
 * Resolves with undefined if it is ready, else with why not, in words for the log (`answered 503`). Ends early, and
 * frees what it holds, when the signal aborts: it then timed out or is not wanted any more. Never rejects.
 */
export type Attempt = (signal: AbortSignal) => Promise<string | undefined>
