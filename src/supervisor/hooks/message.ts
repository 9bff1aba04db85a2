import { hostname } from 'node:os'
import type { SupervisorEvent } from '../events/events.ts'

/** What a hook is told: the event, in a sentence too, and where it happened. */
export function hookMessage(event: SupervisorEvent): Readonly<Record<string, unknown>> {
  // `text` is what Slack, Mattermost and others show of what is sent to them.
  return { ...event, text: `${event.process} ${event.message}`, host: hostname() }
}

/** The same for a command: all of it as JSON, and every field for shells that read none. */
export function hookVariables(event: SupervisorEvent): Readonly<Record<string, string>> {
  const message = hookMessage(event)
  const fields = Object.entries(message).map(([field, value]) => [variableOf(field), String(value)])
  return { GATEHOUSE_EVENT: JSON.stringify(message), ...Object.fromEntries(fields) }
}

/** `exitCode` → `GATEHOUSE_EVENT_EXIT_CODE`. */
function variableOf(field: string): string {
  return `GATEHOUSE_EVENT_${field.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`
}
