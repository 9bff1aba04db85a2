/**
 * Gateway threads through Node's own inspector: what is ended and measured has nothing in it that is made for tests. The binary opens
 * no inspector for anybody, so Gatehouse runs from its sources.
 */
import { join } from 'node:path'
import WebSocket from 'ws'
import { type Gatehouse, projectFolder } from '../../e2e/support/gatehouse.ts'

/** For `startGatehouse`. */
export const inspected: readonly string[] = [
  process.execPath,
  '--inspect=127.0.0.1:0',
  join(projectFolder, 'src/main.ts'),
]

interface Reply {
  readonly id?: number
  readonly method?: string
  readonly params?: {
    readonly sessionId: string
    readonly message: string
    readonly workerInfo: { readonly title: string }
  }
  readonly result?: unknown
  readonly error?: { readonly message: string }
}

export interface ThreadSession {
  /** Counts up: a successor has a higher one than those before it, which may still be answering what they began. */
  readonly number: number
  call(method: string, params?: object): Promise<unknown>
}

/** The address of the inspector of a Gatehouse that runs as `inspected`. */
export async function inspectorOf(gatehouse: Gatehouse): Promise<string> {
  const until = performance.now() + 10_000
  for (;;) {
    const [url] = /ws:\/\/127\.0\.0\.1:\d+\/\S+/.exec(gatehouse.stderr) ?? []
    if (url !== undefined) return url
    if (performance.now() > until) throw new Error(`no inspector opened: ${gatehouse.stderr}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** Runs with a session for each gateway thread, and lets go of them afterwards. */
export async function withThreads<T>(url: string, use: (threads: readonly ThreadSession[]) => Promise<T>): Promise<T> {
  const socket = new WebSocket(url)
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  const threads: ThreadSession[] = []
  const waiting = new Map<string, (reply: Reply) => void>()
  let last = 0

  function demand(key: string, send: (id: number) => void): Promise<unknown> {
    last += 1
    const id = last
    send(id)
    return new Promise((resolve, reject) => {
      const lost = () => reject(new Error('the inspector was closed'))
      socket.once('close', lost)
      waiting.set(`${key}${id}`, ({ result, error }) => {
        socket.off('close', lost)
        waiting.delete(`${key}${id}`)
        if (error) reject(new Error(error.message))
        else resolve(result)
      })
    })
  }
  const call = (method: string, params = {}) => demand('', (id) => socket.send(JSON.stringify({ id, method, params })))

  socket.on('message', (text) => {
    const { id, method, params, ...reply } = JSON.parse(String(text)) as Reply
    if (id !== undefined) return waiting.get(String(id))?.(reply)
    if (!params) return
    const { sessionId } = params
    // Not the thread that reads the file for a reload.
    if (method === 'NodeWorker.attachedToWorker' && !params.workerInfo.title.includes('plan-reader'))
      threads.push({
        number: Number(/\[worker (\d+)\]/.exec(params.workerInfo.title)?.[1]),
        call: (name, words = {}) =>
          demand(`${sessionId}:`, (inner) => {
            const message = JSON.stringify({ id: inner, method: name, params: words })
            void call('NodeWorker.sendMessageToWorker', { sessionId, message }).catch(() => {})
          }),
      })
    if (method === 'NodeWorker.receivedMessageFromWorker') {
      const inner = JSON.parse(params.message) as Reply
      waiting.get(`${sessionId}:${inner.id}`)?.(inner)
    }
  })
  try {
    // Each thread that runs is told of before the answer comes.
    await call('NodeWorker.enable', { waitForDebuggerOnStart: false })
    return await use(threads.toSorted((one, other) => one.number - other.number))
  } finally {
    socket.terminate()
  }
}

/** Bytes that are alive in the heap of each thread, after a full collection. */
export function liveHeap(url: string): Promise<number[]> {
  return withThreads(url, (threads) =>
    Promise.all(
      threads.map(async ({ call }) => {
        for (let i = 0; i < 3; i += 1) await call('HeapProfiler.collectGarbage')
        return ((await call('Runtime.getHeapUsage')) as { readonly usedSize: number }).usedSize
      }),
    ),
  )
}
