import { describe, expect, it } from 'vitest'
import { childRecord } from '../../src/telemetry/child-record.ts'
import { terminalText } from '../../src/telemetry/terminal-text.ts'

function parsed(text: string): Record<string, unknown> {
  const line = childRecord('web', 'stdout', text)
  expect(line.indexOf('\n')).toBe(line.length - 1)
  const { time, ...record } = JSON.parse(line) as Record<string, unknown>
  expect(new Date(String(time)).toISOString()).toBe(time)
  return record
}

const usual = { level: 'info', process: 'web', stream: 'stdout' }

describe('a line of a child', () => {
  it('that is text is the message, whatever is in it', () => {
    for (const text of ['', 'plain', 'a "quoted" \\ \0 tür\tand\u2028more', '\x1b[31mred', 'several\n\tat lines'])
      expect(parsed(text)).toEqual({ ...usual, message: text })
  })

  it('that is a JSON object is structure, under a key of its own, where nothing of it hides what is ours', () => {
    const own = {
      time: 'then',
      level: 'info',
      process: 'other',
      stream: 9,
      message: 'hello',
      json: 1,
      nested: { a: [1] },
    }
    expect(parsed(JSON.stringify(own))).toEqual({ ...usual, message: 'hello', json: own })
  })

  it('that is JSON stands as it was written: large numbers, repeated keys, and the line feeds of a joined record', () => {
    const text = '{"msg":"x", "id":12345678901234567890, "a":1, "a":2,\n  "b":1.0}'
    expect(childRecord('web', 'stdout', text)).toContain(`"json":${text.replace('\n', ' ')}}\n`)
    expect(parsed(text).message).toBe('x')
  })

  it.each([
    ['{"level":"WARN","message":"m"}', 'warn', 'm'],
    ['{"level":50,"msg":"m"}', 'error', 'm'],
    ['{"level":20,"msg":"m"}', 'debug', 'm'],
    ['{"severity":"CRITICAL","event":"m"}', 'error', 'm'],
    ['{"level":"constructor","message":{"not":"text"}}', 'info', ''],
    ['{}', 'info', ''],
  ])('%s has the level %s and the message "%s"', (text, level, message) => {
    expect(parsed(text)).toMatchObject({ level, message })
  })

  it.each(['{', '{}}', '{not json}', '{"a":1}x', '[1]', `{"a":${'['.repeat(60_000)}}`])(
    'that only looks like JSON stays text: %.10s',
    (text) => {
      expect(parsed(text)).toEqual({ ...usual, message: text })
    },
  )
})

describe('on a terminal', () => {
  const shown = (text: string) =>
    terminalText(childRecord('web', 'stdout', text), false).replaceAll(/^[\d:.]{12}/gm, 'time')

  it('JSON of a child is its message and what else it says', () => {
    expect(shown('{"time":1,"level":"info","msg":"listening","port":80,"hosts":["a"],"of":"b c"}')).toBe(
      'time web        | listening port=80 hosts=["a"] of=b c\n',
    )
    expect(shown('{"level":"error","code":7}')).toBe('time web        | error: code=7\n')
  })

  it('each line of a joined record has the name before it', () => {
    expect(shown('Error: x\n    at a\n    at b')).toBe(
      'time web        | Error: x\n             web        |     at a\n             web        |     at b\n',
    )
  })
})
