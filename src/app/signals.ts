/** Signals as calls; docs/stopping.md has the table of all, and docs/adr/0024-signals.md says why. */
import { createHook } from 'node:async_hooks'

export interface Signals {
  /** For SIGHUP. */
  onReload(callback: () => void): void
  /** For SIGUSR1 and SIGUSR2, by which log rotation asks. */
  onReopen(callback: () => void): void
  /** For SIGTERM, SIGINT, and whatever else would end a process that does not listen to it. The second one may mean impatience. */
  onStop(callback: (signal: string) => void): void
  /** For SIGTSTP (Ctrl-Z), which halts nothing: who is halted watches no process, and answers no request. */
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

/** glibc keeps the first two for itself. SIGRTMIN+3 is how a container is stopped whose image is made for systemd. */
const realTime = { first: 34, last: 64 } as const

let signals: Signals | undefined

/**
 * From the first call on, until the process ends: so that an early signal ends a start in an orderly way, and a late one no end. What came before
 * anybody asked is passed to the first who does. Main thread only.
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
  const Handle = classOfHandles(() => process.on('SIGTERM', () => stop.call('SIGTERM')))
  for (const name of stopping.slice(1)) process.on(name, () => stop.call(name))
  if (Handle) listenForRealTime(Handle, (name) => stop.call(name))
  return {
    onReload: (callback) => reload.to(callback),
    onReopen: (callback) => reopen.to(callback),
    onStop: (callback) => stop.to(callback),
    onSuspend: (callback) => suspend.to(callback),
  }
}

class Calls<Value> {
  readonly #callbacks: ((value: Value) => void)[] = []
  readonly #early: Value[] = []

  call(value: Value): void {
    if (this.#callbacks.length === 0) this.#early.push(value)
    for (const callback of this.#callbacks) callback(value)
  }

  to(callback: (value: Value) => void): void {
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

/** Node listens by name, and has none for real-time signals. The class of its handles is seen where one is made. */
function classOfHandles(makesOne: () => void): (new () => SignalHandle) | undefined {
  let found: (new () => SignalHandle) | undefined
  const hook = createHook({
    init(_id, type, _trigger, resource) {
      if (type === 'SIGNALWRAP') found = resource.constructor as new () => SignalHandle
    },
  }).enable()
  makesOne()
  hook.disable()
  return found
}

/** Referred to by nothing else, a handle would be collected. */
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
