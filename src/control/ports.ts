import type { Status } from './contract.ts'

/** What control needs from the rest of the house; runtime/ wires it. */
export interface StatusSource {
  /** How things stand at this moment. Whatever is not part of the contract is left out of the answer. */
  status(): Status
}
