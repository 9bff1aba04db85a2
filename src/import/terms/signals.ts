import { constants } from 'node:os'

/** `TERM`, `SIGTERM` or 15, as our file writes it; undefined for an unknown signal. */
export function readSignal(text: string): string | undefined {
  const number = /^\s*\d+\s*$/.test(text) ? Number(text) : undefined
  if (number !== undefined) return Object.entries(constants.signals).find(([, value]) => value === number)?.[0]
  const upper = text.trim().toUpperCase()
  const name = upper.startsWith('SIG') ? upper : `SIG${upper}`
  return Object.hasOwn(constants.signals, name) ? name : undefined
}
