import type { ProcessConfig } from '../../../config/schema/process/process.ts'
import type { Path } from '../../../config/yaml/located.ts'
import { chosenLater, portPlaceholder } from '../../model/own-port.ts'
import { type Check, keyPosition, quotedValue, valuePosition, wasLost } from '../../resolve/plan-context.ts'

/** During a rolling replacement two copies of a service run side by side: each needs its own port. */
export const rolling: Check = (context, report) => {
  for (const [name, process] of Object.entries(context.config.processes)) {
    const { kind, port, restart } = process
    const own = ['processes', name]
    const style = [...own, 'restart', 'style']
    if (restart.style !== 'rolling') {
      if (restart.drain === undefined || wasLost(context, style)) continue
      report({
        code: 'contradiction',
        at: keyPosition(context, [...own, 'restart', 'drain']),
        message: `\`${name}\` stops before its successor starts, so \`drain\` has no effect`,
        hint: 'remove `drain`, or set `style: rolling`',
      })
      continue
    }
    if (kind === 'task') {
      report({
        code: 'contradiction',
        at: valuePosition(context, style),
        message: `\`${name}\` is a task, and \`rolling\` is for services`,
        hint: 'remove `style`, or make it a service: `kind: service`',
      })
      continue
    }
    if (port !== chosenLater && !wasLost(context, [...own, 'port'])) {
      const why = port === undefined ? 'it has no port' : `two copies of it would share port ${port}`
      const message = `\`${name}\` cannot be \`rolling\`: ${why}`
      const hint = 'write `port: auto`: each copy gets its own, as PORT and `{port}`'
      report({ code: 'port-needed', at: valuePosition(context, style), message, hint })
      continue
    }
    const fixed = fixedAddress(process)
    if (!fixed) continue
    report({
      severity: 'warning',
      code: 'contradiction',
      at: valuePosition(context, [...own, ...fixed]),
      message: `${quotedValue(context, [...own, ...fixed])} may be answered by the copy of \`${name}\` that is being replaced`,
      hint: 'check the new copy on its own port: a path such as `/health`, or `{port}`',
    })
  }
}

/** Path of the readiness probe's address, if that is not on the own port of each copy. */
function fixedAddress({ ready }: ProcessConfig): Path | undefined {
  if (ready?.http !== undefined && !ready.http.startsWith('/') && !ready.http.includes(portPlaceholder))
    return ['ready', 'http']
  if (ready?.tcp && ready.tcp.port !== chosenLater) return ['ready', 'tcp']
  if (ready?.grpc?.port !== undefined) return ['ready', 'grpc']
  return undefined
}
