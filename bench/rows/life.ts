/** Rows about a server without load: start, reload, idle. */
import { get } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { median } from '../measure/statistics.ts'
import type { FreshRow } from './row.ts'

const settle = 3_000
const repeats = 3
const reloadLimit = 30_000

/** From exec to the first 200, with a warm page cache. */
export function start(): FreshRow['measure'] {
  return async (run) => {
    const times: number[] = []
    while (times.length < repeats) {
      const server = await run.start()
      times.push(server.startedIn)
      await server.stop()
    }
    return { time: Math.min(...times) }
  }
}

/** From the request to reload until a new connection gets the answer of the new configuration. */
export function reload(): FreshRow['measure'] {
  return async (run) => {
    const server = await run.start()
    const times: number[] = []
    while (times.length < repeats) {
      const version = `${times.length + 2}`
      const site = { ...run.site, version }
      run.peer.prepare(site, run.program)
      await pause(settle / 3)
      const started = performance.now()
      if (run.peer.reload) await run.peer.reload(site)
      else process.kill(server.pid, 'SIGHUP')
      while ((await versionOf(site.http)) !== version) {
        if (performance.now() - started > reloadLimit) throw new Error('the new configuration does not take effect')
        await pause(1)
      }
      times.push(performance.now() - started)
    }
    return { time: median(times) }
  }
}

/** Memory some seconds after the start. */
export function idleMemory(): FreshRow['measure'] {
  return async (run) => {
    const server = await run.start()
    await pause(settle)
    return { memory: server.memory() / 1e6 }
  }
}

/** CPU while nothing happens. */
export function idleCpu(): FreshRow['measure'] {
  return async (run) => {
    const server = await run.start()
    await pause(settle)
    const before = server.cpu()
    const started = performance.now()
    await pause(2_000 * run.seconds)
    const used = (server.cpu() - before) / 1_000
    return { idle: used / ((performance.now() - started) / 1_000), memory: server.memory() / 1e6 }
  }
}

function versionOf(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    get({ port, host: '127.0.0.1', path: '/version', agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      response.on('close', () => resolve(text))
    }).on('error', () => resolve(undefined))
  })
}
