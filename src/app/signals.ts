/** Signals as callbacks. The table of all is in docs/stopping.md, the reasons in docs/adr/0024-signals.md. */
import { createHook } from 'node:async_hooks'

export interface Signals {
  /** For SIGHUP. */
  onReload(callback: () => void): void
  /** For SIGUSR1 and SIGUSR2, which log rotation sends. */
  onReopen(callback: () => void): void
  /** For SIGTERM, SIGINT, and every other signal whose default is to end the process; called for each one. */
  onStop(callback: (signal: string) => void): void
  /** For SIGTSTP (Ctrl-Z), which is ignored: a suspended Gatehouse supervises no process and answers no request. */
  onSuspend(callback: () => void): void
}

const stopping = [
  'SIGTERM',
  'SIGINT',
  'SIGQUIT',
  'SIGABRT',
  'SIGALRM',
  'SIGVTALRM',
  'SIGPROF',
  'SIGIO',
  'SIGPWR',
  'SIGSTKFLT',
  'SIGSYS',
  'SIGXCPU',
] as const

/** glibc keeps the first two for itself. SIGRTMIN+3 stops containers whose image is made for systemd. */
const realTime = { first: 34, last: 64 } as const

let signals: Signals | undefined

/**
 * Listens from the first call until the process ends: an early signal still leads to an orderly end, and a late one
 * does not interrupt it. Signals that come before there is a callback are kept for the first one. Main thread only.
 */
export function listenForSignals(): Signals {
  signals ??= listen()
  return signals
}

function listen(): Signals {
  const [reload, reopen, stop, suspend] = [new Calls<void>(), new Calls<void>(), new Calls<string>(), new Calls<void>()]
  process.on('SIGHUP', () => reload.call())
  process.on('SIGUSR1', () => reopen.call())
  process.on('SIGUSR2', () => reopen.call())
  process.on('SIGTSTP', () => suspend.call())
  const Handle = signalHandleClass(() => process.on('SIGTERM', () => stop.call('SIGTERM')))
  for (const name of stopping.slice(1)) process.on(name, () => stop.call(name))
  if (Handle) listenForRealTime(Handle, (name) => stop.call(name))
  return {
    onReload: (callback) => reload.add(callback),
    onReopen: (callback) => reopen.add(callback),
    onStop: (callback) => stop.add(callback),
    onSuspend: (callback) => suspend.add(callback),
  }
}

class Calls<Value> {
  readonly #callbacks: ((value: Value) => void)[] = []
  readonly #early: Value[] = []

  call(value: Value): void {
    if (this.#callbacks.length === 0) this.#early.push(value)
    for (const callback of this.#callbacks) callback(value)
  }

  add(callback: (value: Value) => void): void {
    this.#callbacks.push(callback)
    for (const value of this.#early.splice(0)) callback(value)
  }
}

/** Node's own handle for a signal, by number. */
interface SignalHandle {
  onsignal: (number: number) => void
  unref(): void
  start(number: number): number
}

/** Node listens by name, and has no names for real-time signals. The class of its handles shows when one is created. */
function signalHandleClass(createOne: () => void): (new () => SignalHandle) | undefined {
  let found: (new () => SignalHandle) | undefined
  const hook = createHook({
    init(_id, type, _trigger, resource) {
      if (type === 'SIGNALWRAP') found = resource.constructor as new () => SignalHandle
    },
  }).enable()
  createOne()
  hook.disable()
  return found
}

/** Without a reference a handle would be garbage-collected. */
const kept: SignalHandle[] = []

function listenForRealTime(Handle: new () => SignalHandle, stop: (name: string) => void): void {
  if (process.platform !== 'linux') return
  for (let number: number = realTime.first; number <= realTime.last; number += 1) {
    const handle = new Handle()
    handle.unref()
    handle.onsignal = () => stop(`SIGRTMIN+${number - realTime.first}`)
    if (handle.start(number) === 0) kept.push(handle)
  }
}
