/** Leaves out the web server that the imported file replaces, which would hold the same ports. */
import { basename } from 'node:path'
import { type Finding, isEntries, type Value } from '../reading.ts'
import type { Merged } from './merge.ts'

/** Removes programs that are Caddy, or a script of that name, and dependencies on them. */
export function withoutWebServer({ config, comments, findings, places }: Merged): Merged {
  const left = Object.entries(config.processes ?? {}).flatMap(([name, process]) => (isCaddy(process) ? [name] : []))
  if (left.length === 0) return { config, comments, findings, places }
  const isLeft = (path: readonly (string | number)[]) => path[0] === 'processes' && left.includes(String(path[1]))
  const kept = Object.entries(config.processes ?? {}).filter(([name]) => !left.includes(name))
  const removed = left.map((name): Finding => {
    const at = places.find(({ path }) => path.length === 2 && path[1] === name)?.at
    const message = `\`${name}\` runs the web server that \`gateway\` replaces: it is left out`
    return { ...(at ?? { file: '', line: 1, column: 1 }), severity: 'changed', message }
  })
  return {
    config: {
      ...config,
      processes: Object.fromEntries(kept.map(([name, process]) => [name, withoutThem(process, left)])),
    },
    comments: comments.filter(({ path }) => !isLeft(path)),
    places: places.filter(({ path }) => !isLeft(path)),
    findings: [...findings, ...removed],
  }
}

function isCaddy(process: Value): boolean {
  if (!isEntries(process) || !Array.isArray(process.command)) return false
  return process.command.some(
    (word: Value) => typeof word === 'string' && /^(run-|start-)?caddy(\.\w+)?$/.test(basename(word)),
  )
}

function withoutThem(process: Value, left: readonly string[]): Value {
  if (!isEntries(process) || !isEntries(process.dependsOn)) return process
  const { dependsOn, ...rest } = process
  const others = Object.entries(dependsOn).filter(([name]) => !left.includes(name))
  return others.length === 0 ? rest : { ...rest, dependsOn: Object.fromEntries(others) }
}
