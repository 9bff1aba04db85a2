/**
 * Which CPUs a server runs on, and which the load and the upstream: never the same ones, so that a load generator does
 * not slow down what it measures.
 */
import { spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'

export interface CpuSets {
  /** Of the server, for `taskset --cpu-list`, by its number of threads. */
  server(threads: 1 | 2): string
  /** Of everything else. */
  readonly load: string
  /** False if a server with two threads has to share its second CPU with the load. */
  readonly apart: boolean
}

/**
 * CPU 0 for the server, CPU 1 for its second thread if there are four or more, the rest for the load. Throws if there
 * is only one.
 */
export function cpuSets(count = availableParallelism()): CpuSets {
  if (count < 2) throw new Error('one CPU is not enough: server and load need one each')
  const apart = count >= 4
  return {
    server: (threads) => (threads === 1 ? '0' : '0,1'),
    load: apart ? `2-${count - 1}` : `1-${count - 1}`,
    apart,
  }
}

/** Moves this process, and with it all programs that it starts from now on, to the CPUs of the load. */
export function pinToLoad({ load }: CpuSets): void {
  const { status, stderr, error } = spawnSync('taskset', ['-a', '-cp', load, String(process.pid)], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`taskset (Debian: util-linux) cannot pin the load: ${error?.message ?? stderr}`)
}
