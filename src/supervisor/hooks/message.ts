import { hostname } from 'node:os'
import type { SupervisorEvent } from '../events/events.ts'

/** What a hook receives: the event, also as a sentence, and the host on which it happened. */
export function hookMessage(event: SupervisorEvent): Readonly<Record<string, unknown>> {
  // `text` is the field that Slack, Mattermost and others display.
  return { ...event, text: `${event.process} ${event.message}`, host: hostname() }
}

/** The same for a command: all of it as JSON, and each field for shells that cannot parse it. */
export function hookVariables(event: SupervisorEvent): Readonly<Record<string, string>> {
  const message = hookMessage(event)
  const fields = Object.entries(message).map(([field, value]) => [variableOf(field), String(value)])
  return { GATEHOUSE_EVENT: JSON.stringify(message), ...Object.fromEntries(fields) }
}

/** `exitCode` → `GATEHOUSE_EVENT_EXIT_CODE`. */
function variableOf(field: string): string {
  return `GATEHOUSE_EVENT_${field.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`
}
