import type { SupervisorEvent } from '../../supervisor/events/events.ts'
import type { Family } from '../../telemetry/metrics-page.ts'

/** How often each process entered each state. Processes that a reload removed are dropped. */
export class TransitionCounts {
  readonly #byProcess = new Map<string, Map<string, number>>()

  count(event: SupervisorEvent): void {
    if (event.type !== 'transition' || event.from === event.to) return
    const counts = this.#byProcess.get(event.process) ?? new Map<string, number>()
    this.#byProcess.set(event.process, counts.set(event.to, (counts.get(event.to) ?? 0) + 1))
  }

  /** `present`: names of the current processes. */
  family(present: readonly string[]): Family {
    for (const name of this.#byProcess.keys()) if (!present.includes(name)) this.#byProcess.delete(name)
    return {
      name: 'gatehouse_process_transitions_total',
      help: 'Transitions of a process into a state.',
      type: 'counter',
      values: [...this.#byProcess].flatMap(([process, counts]) =>
        [...counts].map(([to, value]) => ({ labels: { process, to }, value })),
      ),
    }
  }
}
