/** Stack traces become one record, and everything else stays as it is. */
import { describe, expect, it } from 'vitest'
import type { MultilinePlan } from '../../src/plan/model/output.ts'
import { joinRecords } from '../../src/supervisor/output/records.ts'

/** What becomes of these lines, given at one go. */
function joined(rule: MultilinePlan | undefined, text: string): string[] {
  const records: string[] = []
  const joiner = joinRecords(rule, (record) => records.push(record))
  for (const line of text.split('\n')) joiner.line(line)
  joiner.end()
  return records
}

const javaTrace = `java.lang.IllegalStateException: cannot
\tat com.example.Service.run(Service.java:12) ~[app.jar:1.0]
\tat java.base/java.lang.Thread.run(Thread.java:1583)
\tSuppressed: java.io.IOException: closed
\t\tat com.example.Stream.close(Stream.java:4)
\t\t... 2 more
Caused by: java.net.ConnectException: Connection refused
\tat java.base/sun.nio.ch.Net.pollConnect(Native Method)
\t... 17 common frames omitted`

const nodeTrace = `Error: connect ECONNREFUSED 127.0.0.1:1
    at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1615:16) {
  errno: -111,
  code: 'ECONNREFUSED',
  [cause]: Error: deeper
      at deep (file.js:1:2)
}`

const pythonTrace = `Traceback (most recent call last):
  File "a.py", line 2, in <module>
    int('x')
ValueError: invalid literal for int() with base 10: 'x'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "a.py", line 4, in <module>
    raise KeyError('y')
KeyError: 'y'`

describe('lines of a record', () => {
  it('are the frames, causes and suppressed exceptions of Java', () => {
    expect(joined({ kind: 'java' }, `before\n${javaTrace}\nafter\n  indented`)).toEqual([
      'before',
      javaTrace,
      'after',
      '  indented',
    ])
  })

  it('are the frames of Node and the properties in braces behind them', () => {
    const plain = 'TypeError: x\n    at a (b.js:1:2)\n    at c (d.js:3:4)'
    expect(joined({ kind: 'node' }, `${plain}\n${nodeTrace}\nafter\n  indented\n}`)).toEqual([
      plain,
      nodeTrace,
      'after',
      '  indented',
      '}',
    ])
  })

  it('are the traceback of Python, with its exception and chained ones', () => {
    expect(joined({ kind: 'python' }, `before\n${pythonTrace}\nafter\n  indented`)).toEqual([
      'before',
      pythonTrace,
      'after',
      '  indented',
    ])
    expect(joined({ kind: 'python' }, `${pythonTrace}\n${pythonTrace}`)).toEqual([pythonTrace, pythonTrace])
  })

  it('are those up to the next first line, where the config says how one begins', () => {
    const rule = { kind: 'first', pattern: '^\\d{4}-' } as const
    expect(joined(rule, '2026-1 a\nb\n\nc\n2026-2 d')).toEqual(['2026-1 a\nb\n\nc', '2026-2 d'])
  })

  it('are single without a rule, and given at once', () => {
    const records: string[] = []
    joinRecords(undefined, (record) => records.push(record)).line('\tat a.b')
    expect(records).toEqual(['\tat a.b'])
  })
})

describe('a record that does not end', () => {
  it('is given when no more has come for a moment', async () => {
    const started = performance.now()
    const record = await new Promise<string>((resolve) => {
      const joiner = joinRecords({ kind: 'java' }, resolve)
      joiner.line('java.lang.Error')
      joiner.line('\tat a.b(C.java:1)')
    })
    expect(record).toBe('java.lang.Error\n\tat a.b(C.java:1)')
    expect(performance.now() - started).toBeLessThan(5_000)
  })

  it('is cut into several of bounded size, and nothing of it is lost', () => {
    const deep = ['java.lang.StackOverflowError', ...Array.from({ length: 1_024 }, (_, i) => `\tat a.b(C.java:${i})`)]
    const wide = Array.from({ length: 8 }, (_, i) => `\tat ${i}${'x'.repeat(30_000)}`)
    const records = joined({ kind: 'java' }, [...deep, ...wide].join('\n'))
    expect(records.flatMap((record) => record.split('\n'))).toEqual([...deep, ...wide])
    for (const record of records) {
      expect(record.length).toBeLessThanOrEqual(64 * 1024)
      expect(record.split('\n').length).toBeLessThanOrEqual(500)
    }
  })
})
