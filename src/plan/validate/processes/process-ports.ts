import { textOfItem } from '../../../config/yaml/command-items.ts'
import { deepest, type LocatedScalar, type Path } from '../../../config/yaml/located.ts'
import {
  type Check,
  keyPosition,
  type PlanContext,
  quotedValue,
  valuePosition,
  wasLost,
} from '../../resolve/plan-context.ts'

const probes = ['startup', 'ready', 'alive'] as const

/** `{port}` and a probe that names no port of its own need the process's port. */
export const processPorts: Check = (context, report) => {
  for (const [name, { port, protocol, ...process }] of Object.entries(context.config.processes)) {
    const own = ['processes', name]
    if (port !== undefined || wasLost(context, [...own, 'port'])) continue
    const texts = [
      ...textsIn(context, [...own, 'command']),
      ...probes.flatMap((probe) => ['exec', 'http', 'tcp'].flatMap((kind) => textsIn(context, [...own, probe, kind]))),
    ]
    const hint = `set its port: \`port: 8080\` in \`${name}\``
    if (protocol !== undefined) {
      const message = `\`protocol\` is that of the port of \`${name}\`, which has none`
      report({ code: 'port-needed', at: keyPosition(context, [...own, 'protocol']), message, hint })
    }
    for (const { value, at } of texts) {
      if (!value?.includes('{port}')) continue
      const message = `this word uses \`{port}\`, but \`${name}\` has no port`
      report({ code: 'port-needed', at, message, hint })
    }
    for (const probe of probes) {
      const { http, grpc } = process[probe] ?? {}
      if (http?.startsWith('/')) {
        const where = [...own, probe, 'http']
        const message = `${quotedValue(context, where)} is a path on the port of \`${name}\`, which has none`
        report({
          code: 'port-needed',
          at: valuePosition(context, where),
          message,
          hint: `${hint}, or write the whole URL`,
        })
      }
      if (grpc && grpc.port === undefined && !wasLost(context, [...own, probe, 'grpc', 'port'])) {
        const message = `the gRPC check uses the port of \`${name}\`, which has none`
        const at = valuePosition(context, [...own, probe, 'grpc'])
        report({ code: 'port-needed', at, message, hint: `${hint}, or name one: \`grpc: { port: 7233 }\`` })
      }
    }
  }
}

/** The text at `path`, or those of the items of the command at `path`, before `words` are split. */
function textsIn(context: PlanContext, path: Path): readonly LocatedScalar[] {
  const { node, steps } = deepest(context.content.tree, path)
  if (steps < path.length) return []
  const items = node.kind === 'list' ? node.items.map(textOfItem) : [node]
  return items.filter((item) => item.kind === 'scalar')
}
