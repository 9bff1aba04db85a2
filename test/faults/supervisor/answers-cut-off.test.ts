/** Programs whose answer is broken off log a broken pipe, with each check again. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createHealthChecks } from '../../../src/health/health-checks.ts'
import type { SupervisorEvent } from '../../../src/supervisor/events/events.ts'
import { postEvent } from '../../../src/supervisor/hooks/post.ts'
import { httpAttempt } from '../../../src/supervisor/probe/http.ts'
import { upstreamPlan } from '../../gateway/upstream-plans.ts'
import { part } from '../../parts.ts'

const fixtures = `${import.meta.dirname}/../../fixtures`

const servers = [
  { name: "Python's http.server", command: ['python3', `${fixtures}/programs/long-answers.py`], there: true },
  {
    name: 'a Java server',
    command: ['java', '-XX:TieredStopAtLevel=1', `${fixtures}/java/LongAnswers.java`],
    there: part('javac') !== undefined,
  },
]

const event = { id: 1, type: 'transition', process: 'api', message: 'is ready' } as unknown as SupervisorEvent

describe.each(servers)(
  'an answer of 1 MB is read to its end, of $name',
  ({ command: [file = '', ...words], there }) => {
    let child: ChildProcess
    let url = ''
    let stderr = ''
    const lines: string[] = []
    let received = () => {}

    beforeAll(async () => {
      if (!there) return
      child = spawn(file, words, { stdio: ['ignore', 'pipe', 'pipe'] })
      child.stderr?.on('data', (chunk) => {
        stderr += chunk
      })
      const output = createInterface({ input: child.stdout as NodeJS.ReadableStream })
      const [port] = await once(output, 'line')
      url = `http://127.0.0.1:${port}`
      output.on('line', (line) => {
        lines.push(line)
        received()
      })
    }, 60_000)

    afterAll(async () => {
      if (!there) return
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    })

    /** How the server got on with the next answer. */
    async function nextAnswer(): Promise<string> {
      if (lines.length === 0)
        await new Promise<void>((resolve) => {
          received = resolve
        })
      return lines.shift() ?? ''
    }

    it.skipIf(!there)('by an HTTP probe', async () => {
      expect(await httpAttempt(`${url}/`)(AbortSignal.timeout(20_000))).toBeUndefined()
      expect(await nextAnswer()).toBe('answered')
      expect(stderr).toBe('')
    })

    it.skipIf(!there)('by a health check of an upstream', async () => {
      const checks = createHealthChecks({ info() {}, warn() {}, error() {} }, () => {})
      const health = { http: '/', every: 60_000, timeout: 20_000, failures: 1, successes: 1 }
      checks.apply([upstreamPlan([url], { health })])
      expect(await nextAnswer()).toBe('answered')
      checks.close()
      expect(stderr).toBe('')
    })

    it.skipIf(!there)('by a hook', async () => {
      const signal = new AbortController().signal
      expect(await postEvent(`${url}/`, event, { signal, timeout: 20_000 })).toBeUndefined()
      expect(await nextAnswer()).toBe('answered')
      expect(stderr).toBe('')
    })
  },
)

it.each(['bytes', 'time'])(
  'an answer that does not end, in %s, is broken off, and is well all the same',
  async (what) => {
    const closed = Promise.withResolvers<void>()
    const server = createServer((_, response) => {
      response.once('close', () => closed.resolve())
      response.writeHead(200)
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536)) && what === 'bytes');
        if (what === 'bytes') response.once('drain', more)
      }
      more()
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    expect(await httpAttempt(`http://127.0.0.1:${port}/`)(AbortSignal.timeout(20_000))).toBeUndefined()
    await closed.promise
    server.close()
  },
)
