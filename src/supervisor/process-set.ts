import type { SupervisedProcess } from './process/process.ts'

/** The processes of the plan in force, in its order. Those that a reload stops stay in it until they have ended. */
export class ProcessSet {
  readonly #copies: () => readonly SupervisedProcess[]
  #byName: ReadonlyMap<string, SupervisedProcess> = new Map()

  /** `copies`: what runs beside these processes during rolling restarts. */
  constructor(copies: () => readonly SupervisedProcess[]) {
    this.#copies = copies
  }

  get byName(): ReadonlyMap<string, SupervisedProcess> {
    return this.#byName
  }

  withCopies(): readonly SupervisedProcess[] {
    return [...this.#byName.values(), ...this.#copies()]
  }

  set(processes: readonly SupervisedProcess[]): void {
    this.#byName = new Map(processes.map((process) => [process.plan.name, process]))
  }

  /** Puts `after` in the place of `before`. */
  replace(before: SupervisedProcess, after: SupervisedProcess): void {
    this.#byName = new Map([...this.#byName].map(([name, process]) => [name, process === before ? after : process]))
  }

  /** Lets each process check again whether it may start: something that it depends on may have changed. */
  reconcile(): void {
    for (const process of this.withCopies()) process.reconcile()
  }
}
