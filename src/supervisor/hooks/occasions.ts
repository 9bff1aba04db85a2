import type { Occasion } from '../../plan/model/hooks.ts'
import type { SupervisorEvent, TransitionEvent } from '../events/events.ts'

/** The names under which hooks may wait for an event: the state that was entered, and what that means. */
export function occasionsOf(event: SupervisorEvent): readonly Occasion[] {
  return event.type === 'transition' ? occasionsOfTransition(event) : [event.type]
}

/** Copies that do not count come and go without anything having happened to the process. */
function occasionsOfTransition({ from, to, ready, wasReady, failed, role }: TransitionEvent): readonly Occasion[] {
  if (role) return []
  const over = to === 'exited' || to === 'fatal'
  return [
    ...(from === to ? [] : [to]),
    ...(ready && !wasReady ? (['ready'] as const) : []),
    ...(wasReady && !ready ? (['unready'] as const) : []),
    ...(to === 'exited' && ready ? (['completed'] as const) : []),
    ...(over && failed ? (['failed'] as const) : []),
  ]
}
