import { textOfItem } from '../../../config/yaml/command-items.ts'
import { deepest, type LocatedScalar, type Path } from '../../../config/yaml/located.ts'
import { type Asked, type Check, shown, valueAt, wasLost } from '../../resolve/plan-context.ts'

const probes = ['startup', 'ready', 'alive'] as const

/** `{port}` and a probe that names no port of its own need the process's port. */
export const processPorts: Check = (asked, report) => {
  for (const [name, { port, ...process }] of Object.entries(asked.config.processes)) {
    const own = ['processes', name]
    if (port !== undefined || wasLost(asked, [...own, 'port'])) continue
    const texts = [
      ...textsIn(asked, [...own, 'command']),
      ...probes.flatMap((probe) => ['exec', 'http', 'tcp'].flatMap((kind) => textsIn(asked, [...own, probe, kind]))),
    ]
    const mend = `say where it serves: \`port: 8080\` in \`${name}\``
    for (const { value, at } of texts) {
      if (!value?.includes('{port}')) continue
      const message = `this word uses \`{port}\`, but \`${name}\` has no port`
      report({ code: 'port-needed', at, message, mend })
    }
    for (const probe of probes) {
      const { http, grpc } = process[probe] ?? {}
      if (http?.startsWith('/')) {
        const where = [...own, probe, 'http']
        const message = `${shown(asked, where)} is a path on the port of \`${name}\`, which has none`
        report({ code: 'port-needed', at: valueAt(asked, where), message, mend: `${mend}, or write the whole URL` })
      }
      if (grpc && grpc.port === undefined && !wasLost(asked, [...own, probe, 'grpc', 'port'])) {
        const message = `gRPC is asked on the port of \`${name}\`, which has none`
        const at = valueAt(asked, [...own, probe, 'grpc'])
        report({ code: 'port-needed', at, message, mend: `${mend}, or say which: \`grpc: { port: 7233 }\`` })
      }
    }
  }
}

/** What is written at `path`, or item by item in the command that stands there, before `words` are split. */
function textsIn(asked: Asked, path: Path): readonly LocatedScalar[] {
  const { node, steps } = deepest(asked.content.tree, path)
  if (steps < path.length) return []
  const items = node.kind === 'list' ? node.items.map(textOfItem) : [node]
  return items.filter((item) => item.kind === 'scalar')
}
