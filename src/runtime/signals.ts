/** Signals as calls. Handlers stand before anything is started, so that an early SIGTERM ends a start in an orderly way. */
export interface Signals {
  /** Called for every SIGHUP. */
  onReload(callback: () => void): void
  /** Called for every SIGTERM and SIGINT; the second one may mean impatience. */
  onStop(callback: (signal: NodeJS.Signals) => void): void
  close(): void
}

export function listenForSignals(): Signals {
  const reloads: (() => void)[] = []
  const stops: ((signal: NodeJS.Signals) => void)[] = []
  const reload = () => {
    for (const callback of reloads) callback()
  }
  const stop = (signal: NodeJS.Signals) => {
    for (const callback of stops) callback(signal)
  }
  process.on('SIGHUP', reload)
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  return {
    onReload: (callback) => reloads.push(callback),
    onStop: (callback) => stops.push(callback),
    close() {
      process.off('SIGHUP', reload)
      process.off('SIGTERM', stop)
      process.off('SIGINT', stop)
    },
  }
}
