import { stripVTControlCharacters } from 'node:util'
import { describe, expect, it } from 'vitest'
import { terminalText } from '../../src/telemetry/terminal-text.ts'

const time = '2024-02-03T04:05:06.789Z'
const line = (fields: Record<string, unknown>) =>
  terminalText(JSON.stringify({ time, level: 'info', ...fields }), false)

const request = {
  process: 'gateway',
  requestId: 'id',
  method: 'GET',
  path: '/a',
  status: 200,
  duration: 1.5,
  message: 'request',
}

describe('a log line on a terminal', () => {
  it('is time, name and words', () => {
    expect(line({ process: 'gatehouse', message: 'ready' })).toBe('04:05:06.789 gatehouse  | ready\n')
  })

  it('is as the child wrote it, under its name', () => {
    expect(line({ process: 'backend', stream: 'stderr', message: 'warning: own words' })).toBe(
      '04:05:06.789 backend    | warning: own words\n',
    )
  })

  it('names the process that Gatehouse speaks of', () => {
    expect(line({ process: 'backend', message: 'is ready' })).toBe('04:05:06.789 gatehouse  | backend: is ready\n')
  })

  it('says how bad it is', () => {
    expect(line({ process: 'gatehouse', level: 'error', message: 'broken' })).toContain('| error: broken\n')
    expect(line({ process: 'gatehouse', level: 'warn', message: 'odd' })).toContain('| warning: odd\n')
  })

  it('shows a request in one short line', () => {
    expect(line(request)).toBe('04:05:06.789 gateway    | GET /a 200 in 1.5ms\n')
    expect(line({ ...request, status: 502, route: '/* → backend', error: 'upstream: gone' })).toBe(
      '04:05:06.789 gateway    | GET /a 502 in 1.5ms (/* → backend): upstream: gone\n',
    )
  })

  it('has the same words with colours, and for a name always the same one', () => {
    const json = JSON.stringify({ time, level: 'warn', process: 'web', stream: 'stdout', message: 'words' })
    const coloured = terminalText(json, true)
    expect(coloured).toContain('\x1b[')
    expect(stripVTControlCharacters(coloured)).toBe(terminalText(json, false))
    expect(terminalText(json, true)).toBe(coloured)
  })
})
