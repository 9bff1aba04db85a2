import type { Command } from 'commander'

/** Where a verb writes what was asked for, and what its reader can show. */
export interface Terminal {
  out(text: string): void
  err(text: string): void
  readonly colour: boolean
  readonly width: number
}

/** A verb adds itself to the program; its action resolves with the exit code through `end`. */
export type Verb = (program: Command, terminal: Terminal, end: (code: number) => void) => void
