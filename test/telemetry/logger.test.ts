import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import type { LoggerOptions } from '../../src/telemetry/logger.ts'
import type { Command } from './speaker.ts'

const started = new Set<ChildProcess>()

afterEach(() => {
  for (const child of started) child.kill('SIGKILL')
  started.clear()
})

function speaker(options: Partial<LoggerOptions> = {}, stdout: 'pipe' | number = 'pipe') {
  const given: LoggerOptions = { level: 'info', format: 'json', terminal: false, ...options }
  const child = fork(fileURLToPath(new URL('speaker.ts', import.meta.url)), [JSON.stringify(given)], {
    stdio: ['ignore', stdout, 'inherit', 'ipc'],
  })
  started.add(child)
  return {
    child,
    say: (command: Command) => void child.send(command),
    async waitForLog(): Promise<{ spoke: number; rss: number; flushed: number }> {
      return (await once(child, 'message'))[0]
    },
    /** Everything on its stdout until it ends. */
    async read(): Promise<string> {
      let all = ''
      for await (const chunk of child.stdout?.setEncoding('utf8') ?? []) all += chunk
      return all
    },
  }
}

async function say(options: Partial<LoggerOptions>, ...commands: Command[]): Promise<string> {
  const { say, read } = speaker(options)
  for (const command of [...commands, 'end' as const]) say(command)
  return read()
}

function json(text: string): Record<string, unknown>[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}

describe('the log for machines', () => {
  it('has a line of JSON for each word, with time, level, process and message', async () => {
    const lines = json(await say({}, 'levels', 'fields'))
    expect(lines.map(({ time, ...line }) => line)).toEqual([
      { level: 'info', process: 'gatehouse', message: 'an info' },
      { level: 'warn', process: 'gatehouse', message: 'a warning' },
      { level: 'error', process: 'gatehouse', message: 'an error' },
      { level: 'info', process: 'web', stream: 'stdout', message: 'a line of a child' },
      { level: 'info', process: 'backend', url: 'http://a', nested: { list: [1, 'ü'] }, message: 'with fields' },
    ])
    for (const { time } of lines) expect(new Date(String(time)).toISOString()).toBe(time)
  })

  it('leaves out what is below its level, but no line of a child', async () => {
    const lines = json(await say({ level: 'error' }, 'levels'))
    expect(lines.map(({ message }) => message)).toEqual(['an error', 'a line of a child'])
  })

  it.each([
    ['auto', false, true],
    ['auto', true, false],
    ['json', true, true],
    ['text', false, false],
  ] as const)('with format %s and a terminal %s is JSON: %s', async (format, terminal, isJson) => {
    const [first = ''] = (await say({ format, terminal }, 'levels')).split('\n')
    expect(first.startsWith('{')).toBe(isJson)
    expect(first.includes('\x1b[')).toBe(terminal && !isJson)
  })

  it('is complete when it was flushed before the program ends', async () => {
    const lines = json(await say({}, { lines: 20_000, length: 100 }))
    expect(lines.map(({ message }) => Number.parseInt(String(message), 10))).toEqual(
      Array.from({ length: 20_000 }, (_, i) => i),
    )
  })
})

describe('a reader of the log that stalls', () => {
  it('stalls neither the program nor its end, and memory is bounded', async () => {
    const { child, say, waitForLog } = speaker()
    child.stdout?.pause()
    for (let round = 0; round < 4; round++) {
      say({ lines: 10_000, length: 1_000 })
      const { spoke, rss } = await waitForLog()
      expect(spoke).toBeLessThan(2_000)
      expect(rss).toBeLessThan(300 * 1024 * 1024)
    }
    const exited = once(child, 'exit')
    say('end')
    expect((await waitForLog()).flushed).toBeLessThan(3_000)
    expect((await exited)[0]).toBe(0)
  })

  it('finds whole lines when it reads again, and how many it has missed', async () => {
    const { child, say, waitForLog, read } = speaker()
    child.stdout?.pause()
    say({ lines: 30_000, length: 1_000 })
    await waitForLog()
    const reported = new Promise<void>((resolve) => {
      child.stdout?.on('data', (chunk: string) => chunk.includes('were dropped') && resolve())
    })
    const reading = read()
    await reported
    say('end')
    const lines = json(await reading)
    const [missed] = lines.filter(({ message }) => /were dropped/.test(String(message)))
    expect(missed).toMatchObject({ level: 'warn', process: 'gatehouse' })
    const kept = lines.filter(({ message }) => String(message).length > 500).length
    expect(kept + Number.parseInt(String(missed?.message), 10)).toBe(30_000)
  })
})

describe('a child that floods', () => {
  it('costs its own lines when the reader stalls, not those of its siblings, nor ours', async () => {
    const { child, say, waitForLog, read } = speaker()
    child.stdout?.pause()
    say('flood')
    await waitForLog()
    const reading = read()
    say('end')
    const lines = json(await reading)
    expect(lines.filter((line) => line.process === 'flood').length).toBeLessThan(5_000)
    const others = lines.filter((line) => line.process !== 'flood').map(({ message }) => message)
    expect(others.slice(0, 2)).toEqual(['a word of its sibling', 'a word of ours'])
  })
})

describe('a reader of the log that is gone', () => {
  it('ends nothing: a closed pipe', async () => {
    const { child, say, waitForLog } = speaker()
    child.stdout?.destroy()
    for (let round = 0; round < 3; round++) {
      say({ lines: 100, length: 100 })
      await waitForLog()
    }
    const exited = once(child, 'exit')
    say('end')
    expect((await waitForLog()).flushed).toBeLessThan(1_000)
    expect((await exited)[0]).toBe(0)
  })

  it('ends nothing: a full disk', async () => {
    const full = openSync('/dev/full', 'w')
    const { child, say, waitForLog } = speaker({}, full)
    closeSync(full)
    for (let round = 0; round < 3; round++) {
      say({ lines: 100, length: 100 })
      await waitForLog()
    }
    const exited = once(child, 'exit')
    say('end')
    expect((await waitForLog()).flushed).toBeLessThan(3_000)
    expect((await exited)[0]).toBe(0)
  })
})
