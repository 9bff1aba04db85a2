/**
 * A way into a worker thread that does not wait for its event loop: what the inspector is asked is answered at the next loop or call of
 * the code that runs there, as DevTools pauses an endless loop. No port is opened, no debugger is switched on, and a thread is attached
 * to when it is first asked, so one that is never in trouble pays nothing.
 */
import { Session } from 'node:inspector'
import type { Worker } from 'node:worker_threads'
import type { Bytes } from '../../shared/bytes.ts'
import { GatehouseError } from '../../shared/errors.ts'

/** Each of these rejects if the thread has ended. None has a time limit: native code cannot be interrupted. */
export interface ThreadInspector {
  heapUsed(): Promise<Bytes>
  /** Frees what is garbage, as soon as the event loop turns: some hundred milliseconds in which the thread does nothing else. */
  collectGarbage(): Promise<void>
  /** Evaluates an expression in the thread, which must not throw. */
  evaluate(expression: string): Promise<void>
}

export function inspectThread(worker: Worker): ThreadInspector {
  const ended = new Promise<never>((_resolve, reject) => {
    worker.once('exit', () => reject(new GatehouseError('gateway-failed', 'a gateway thread has ended')))
  })
  ended.catch(() => {})
  const id = String(worker.threadId)
  const ask = (method: string, params: object = {}) => {
    sessions ??= new WorkerSessions()
    return Promise.race([sessions.ask(id, { method, params }), ended])
  }
  return {
    async heapUsed() {
      const { usedSize } = (await ask('Runtime.getHeapUsage')) as { usedSize: Bytes }
      return usedSize
    },
    async collectGarbage() {
      await ask('HeapProfiler.collectGarbage')
    },
    async evaluate(expression) {
      await ask('Runtime.evaluate', { expression, silent: true })
    },
  }
}

let sessions: WorkerSessions | undefined

interface Question {
  readonly method: string
  readonly params: object
}

interface Reply {
  readonly id?: number
  readonly result?: unknown
}

/** The inspector's sessions with all worker threads, through one with our own. */
class WorkerSessions {
  readonly #own = new Session()
  /** By the thread's id; a session is promised before its thread is attached. */
  readonly #attached = new Map<string, PromiseWithResolvers<string>>()
  readonly #replies = new Map<number, (result: unknown) => void>()
  #lastId = 0

  constructor() {
    this.#own.on('NodeWorker.attachedToWorker', ({ params: { sessionId, workerInfo } }) => {
      // `workerId` is a number of the inspector's own; that of the thread stands in the title, as `[worker 3] name`.
      const [, threadId = ''] = /^\[worker (\d+)\]/.exec(workerInfo.title) ?? []
      this.#sessionOf(threadId).resolve(sessionId)
    })
    this.#own.on('NodeWorker.receivedMessageFromWorker', ({ params: { message } }) => {
      const { id = 0, result } = JSON.parse(message) as Reply
      this.#replies.get(id)?.(result)
      this.#replies.delete(id)
    })
    this.#own.connect()
    this.#own.post('NodeWorker.enable', { waitForDebuggerOnStart: false })
  }

  async ask(threadId: string, question: Question): Promise<unknown> {
    const sessionId = await this.#sessionOf(threadId).promise
    this.#lastId += 1
    const id = this.#lastId
    return new Promise((resolve) => {
      this.#replies.set(id, resolve)
      this.#own.post('NodeWorker.sendMessageToWorker', { sessionId, message: JSON.stringify({ id, ...question }) })
    })
  }

  #sessionOf(threadId: string): PromiseWithResolvers<string> {
    const known = this.#attached.get(threadId) ?? Promise.withResolvers<string>()
    this.#attached.set(threadId, known)
    return known
  }
}
