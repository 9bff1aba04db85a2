/** Whatever a program writes, it costs bounded memory and disturbs no other. */
import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { longestLine } from '../../src/supervisor/output/lines.ts'
import { Run } from '../../src/supervisor/process/run.ts'
import { never, planFor, testSupervisor } from './test-supervisor.ts'

function writer(kind: string) {
  return planFor(kind, { kind: 'task', program: 'floods-stdout.js', words: [kind], restart: never })
}

describe('a program', () => {
  it('with a line of 10 MB has it cut and marked, and the next line is whole', async () => {
    const { supervisor, untilState, lines } = testSupervisor([writer('long-line')])
    supervisor.start()
    await untilState('long-line', 'exited')
    const [long = '', after] = lines.map(({ text }) => text)
    expect(long.length).toBeLessThan(longestLine + 100)
    expect(long.endsWith(`x… [cut: ${10_000_000 - longestLine} bytes]`)).toBe(true)
    expect(after).toBe('after')
  })

  it('that writes binary, or no line end, is read all the same', async () => {
    const { supervisor, untilState, lines } = testSupervisor([writer('binary'), writer('no-end')])
    supervisor.start()
    await untilState('binary', 'exited')
    await untilState('no-end', 'exited')
    const said = (name: string) => lines.filter(({ process }) => process === name).map(({ text }) => text)
    expect(said('binary')).toEqual(['\0\ufffd\ufffd\ufffd', 'after'])
    expect(said('no-end')).toEqual(['without an end'])
  })

  it('that closes its stdout keeps running, and its stderr is still read', async () => {
    const { supervisor, untilState, until, lines, status } = testSupervisor([
      planFor('web', { program: 'closes-stdout.js' }),
    ])
    supervisor.start()
    await untilState('web', 'running')
    await until(() => lines.some(({ stream, text }) => stream === 'stderr' && text === 'closed'))
    expect(status('web').state).toBe('running')
  })

  it('that floods its stdout has 64 kB of it taken in a turn of the event loop, and others have theirs between', async () => {
    const stdout = new PassThrough({ highWaterMark: 4 * 1_024 * 1_024 })
    const line = `${'flood'.padEnd(63)}\n`
    const inOneRead = (64 * 1_024) / line.length
    const taken: number[] = []
    let turn = 0
    const child = { pid: 2, stdout, stderr: null, notifications: new Map(), exited: new Promise<never>(() => {}) }
    const run = new Run(child, { multiline: undefined, line: () => taken.push(turn), record() {} })
    for (let chunk = 0; chunk < 20; chunk += 1) stdout.write(Buffer.alloc(64 * 1_024, line))
    while (taken.length < 20 * inOneRead) {
      await new Promise((resolve) => setImmediate(resolve))
      turn += 1
    }
    const each = Object.values(Object.groupBy(taken, String)).map((lines) => lines?.length ?? 0)
    expect(Math.max(...each)).toBeLessThanOrEqual(2 * inOneRead)
    stdout.destroy()
    await run.outputRead()
  })

  it('that floods its stdout does not keep its sibling from starting nor itself from being stopped', async () => {
    const { supervisor, untilState, until, lines } = testSupervisor([
      planFor('flood', { program: 'floods-stdout.js', words: ['lines'] }),
      planFor('web', { ready: { kind: 'log', pattern: '^up$', every: 10, timeout: 100, deadline: 10_000 } }),
    ])
    supervisor.start()
    await until(() => lines.length > 20_000)
    await untilState('web', 'running')
    await supervisor.stop({ budget: 10_000 })
    expect(lines.filter(({ process }) => process === 'flood').every(({ text }) => text.startsWith('flood'))).toBe(true)
  })
})
