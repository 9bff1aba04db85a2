import { suggestion } from '../../../config/hints/suggest.ts'
import { type Check, keyPosition, quotedValue, valuePosition, wasLost } from '../../resolve/plan-context.ts'

/** A route to a name needs a process of that name, with a port, or an upstream. */
export const routeTargets: Check = (context, report) => {
  const { config, content, routes } = context
  const { processes, upstreams } = content.declared
  for (const { route, path } of routes) {
    if (!route.to || !('name' in route.to)) continue
    const { name } = route.to
    const where = [...path, 'to']
    const process = Object.hasOwn(config.processes, name) ? config.processes[name] : undefined
    if (process && process.port === undefined && !wasLost(context, ['processes', name, 'port'])) {
      report({
        code: 'port-needed',
        at: valuePosition(context, where),
        message: `this route goes to process ${quotedValue(context, where)}, which has no port`,
        hint: 'set its port: `port: 8080` in its entry below `processes`',
      })
    }
    if (!processes || !upstreams || processes.has(name) || upstreams.has(name)) continue
    const kind = upstreams.size === 0 ? 'processes' : 'processes and upstreams'
    report({
      code: 'unknown-process',
      at: valuePosition(context, where),
      message: `${quotedValue(context, where)} is ${upstreams.size === 0 ? 'not a process' : 'neither a process nor an upstream'}`,
      hint:
        (/^\d+$/.test(name) ? `for a port of this machine, write \`:${name}\`` : undefined) ??
        suggestion(name, [...new Set([...processes, ...upstreams])], kind) ??
        'name an entry of `processes` or `upstreams`, or write a URL: `http://127.0.0.1:9000`',
    })
  }
}

/** `to: name` must mean one thing. */
export const upstreamNames: Check = (context, report) => {
  for (const name of context.content.declared.upstreams ?? []) {
    if (!context.content.declared.processes?.has(name) || wasLost(context, ['upstreams', name])) continue
    report({
      code: 'contradiction',
      at: keyPosition(context, ['upstreams', name]),
      message: `a process is also called \`${name}\`, so \`to: ${name}\` is ambiguous`,
      hint: 'rename one of them',
    })
  }
}
