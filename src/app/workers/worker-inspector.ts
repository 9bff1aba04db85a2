/**
 * A way into a worker thread that does not wait for its event loop: V8's inspector answers at the next loop or call of
 * the code that runs there, as when DevTools pauses an endless loop. It opens no port and switches no debugger on.
 */
import { Session } from 'node:inspector'
import type { Worker } from 'node:worker_threads'
import type { Bytes } from '../../shared/bytes.ts'
import { GatehouseError } from '../../shared/errors.ts'

/** Every method rejects if the thread has ended. None has a time limit: native code cannot be interrupted. */
export interface WorkerInspector {
  heapUsed(): Promise<Bytes>
  /** Collects as soon as the event loop turns: some hundred milliseconds in which the thread does nothing else. */
  collectGarbage(): Promise<void>
  /** Evaluates an expression, which must not throw. */
  evaluate(expression: string): Promise<void>
}

export function inspectWorker(worker: Worker): WorkerInspector {
  const ended = new Promise<never>((_resolve, reject) => {
    worker.once('exit', () => reject(new GatehouseError('gateway-failed', 'a gateway thread has ended')))
  })
  ended.catch(() => {})
  const id = String(worker.threadId)
  const ask = (method: string, params: object = {}) =>
    Promise.race([attachToWorkers().ask(id, { method, params }), ended])
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

/**
 * Attaches to all threads that start from now on. Must be called before the first one: Node 26.10 crashes (SIGSEGV in
 * `SetAutoAttach`) if a thread ends while the inspector attaches to those that run already.
 */
export function attachToWorkers(): WorkerSessions {
  sessions ??= new WorkerSessions()
  return sessions
}

interface InspectorCommand {
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
  /** By thread id; the promise is there before the inspector has attached. */
  readonly #attached = new Map<string, PromiseWithResolvers<string>>()
  /** Thread ids by session id. */
  readonly #threads = new Map<string, string>()
  readonly #replies = new Map<number, (result: unknown) => void>()
  #lastId = 0

  constructor() {
    this.#own.on('NodeWorker.attachedToWorker', ({ params: { sessionId, workerInfo } }) => {
      // `workerId` is the inspector's own number; the title has the thread's: `[worker 3] name`.
      const [, threadId = ''] = /^\[worker (\d+)\]/.exec(workerInfo.title) ?? []
      this.#threads.set(sessionId, threadId)
      this.#sessionOf(threadId).resolve(sessionId)
    })
    this.#own.on('NodeWorker.detachedFromWorker', ({ params: { sessionId } }) => {
      this.#attached.delete(this.#threads.get(sessionId) ?? '')
      this.#threads.delete(sessionId)
    })
    this.#own.on('NodeWorker.receivedMessageFromWorker', ({ params: { message } }) => {
      const { id = 0, result } = JSON.parse(message) as Reply
      this.#replies.get(id)?.(result)
      this.#replies.delete(id)
    })
    this.#own.connect()
    this.#own.post('NodeWorker.enable', { waitForDebuggerOnStart: false })
  }

  async ask(threadId: string, command: InspectorCommand): Promise<unknown> {
    const sessionId = await this.#sessionOf(threadId).promise
    this.#lastId += 1
    const id = this.#lastId
    return new Promise((resolve) => {
      this.#replies.set(id, resolve)
      this.#own.post('NodeWorker.sendMessageToWorker', { sessionId, message: JSON.stringify({ id, ...command }) })
    })
  }

  #sessionOf(threadId: string): PromiseWithResolvers<string> {
    const known = this.#attached.get(threadId) ?? Promise.withResolvers<string>()
    this.#attached.set(threadId, known)
    return known
  }
}
