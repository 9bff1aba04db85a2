import type { Command } from 'commander'

/** Where a verb writes: results to `out`, messages to `err`. */
export interface Terminal {
  out(text: string): void
  err(text: string): void
  readonly colour: boolean
  readonly width: number
}

/** Adds a verb to the program; its action passes the exit code to `end`. */
export type Verb = (program: Command, terminal: Terminal, end: (code: number) => void) => void
