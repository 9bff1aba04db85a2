import type { HookEvent } from '../../plan/model/hooks.ts'
import type { SupervisorEvent, TransitionEvent } from '../events/events.ts'

/** The names under which hooks subscribe to an event: the state that was entered, and what that means. */
export function hookEventsOf(event: SupervisorEvent): readonly HookEvent[] {
  return event.type === 'transition' ? hookEventsOfTransition(event) : [event.type]
}

/** None for the copies during a rolling restart: their coming and going changes nothing about the process. */
function hookEventsOfTransition({ from, to, ready, wasReady, failed, role }: TransitionEvent): readonly HookEvent[] {
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
