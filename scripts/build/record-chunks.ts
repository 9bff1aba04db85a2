/**
 * Runs chunks outside of the single executable as cached-script.ts does inside, and writes V8's code cache of each when
 * the thread ends: it then has the functions that were called.
 */
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { Script } from 'node:vm'
import { type MessagePort, parentPort } from 'node:worker_threads'
import { recordingScript } from './trial-run.ts'

const builtin = createRequire(import.meta.url)

/** `entries` has the first chunk of each thread by the name of the script that starts it. */
export function record(folder: string, entry: string, entries: Readonly<Record<string, string>>): void {
  const loaded = new Map<string, { exports: unknown; script: Script }>()
  const sea = {
    isSea: () => true,
    getAsset: (name: string) => recordingScript(folder, entries[name] ?? '', entries),
  }
  const load = (name: string): unknown => {
    const known = loaded.get(name)
    if (known) return known.exports
    const script = new Script(readFileSync(join(folder, name), 'latin1'), { filename: name })
    const chunk = { exports: {}, script }
    loaded.set(name, chunk)
    script.runInThisContext()(requireAny, chunk, chunk.exports, (url: string) => import(url))
    return chunk.exports
  }
  const requireAny = Object.assign((id: string): unknown => {
    if (id === 'node:sea') return sea
    return id.startsWith('./') ? load(id.slice(2)) : builtin(id)
  }, builtin)
  const write = () => {
    for (const [name, { script }] of loaded) {
      const cache = script.createCachedData()
      const file = join(folder, `${name}.cache`)
      // Of several verbs that load it, the one that calls most of it counts.
      if (!existsSync(file) || statSync(file).size < cache.length) writeFileSync(file, cache)
    }
  }
  process.once('exit', write)
  // The main thread terminates a gateway thread as soon as that has drained: mostly before it could emit 'exit'.
  if (parentPort) writeWhenDrained(parentPort, write)
  load(entry)
}

function writeWhenDrained(port: MessagePort, write: () => void): void {
  const post = port.postMessage.bind(port)
  port.postMessage = (message: Readonly<Record<string, unknown>>) => {
    if (message.type === 'drained') write()
    post(message)
  }
}
