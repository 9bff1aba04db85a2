import { suggestion } from '../../config/suggest.ts'
import { type Check, shown, valueAt, wasLost } from '../asked.ts'

/** A route to a process needs one of that name, with a port. */
export const routeTargets: Check = (asked, report) => {
  const { config, content, routes } = asked
  for (const { route, path } of routes) {
    if (!route.to || !('process' in route.to)) continue
    const name = route.to.process
    const where = [...path, 'to']
    const process = Object.hasOwn(config.processes, name) ? config.processes[name] : undefined
    if (process?.port === undefined && process && !wasLost(asked, ['processes', name, 'port'])) {
      report({
        code: 'port-needed',
        at: valueAt(asked, where),
        message: `this route goes to process ${shown(asked, where)}, which has no port`,
        mend: 'say where it serves: `port: 8080` in its entry under `processes`',
      })
    }
    if (!process && content.declared.processes && !content.declared.processes.has(name)) {
      report({
        code: 'unknown-process',
        at: valueAt(asked, where),
        message: `${shown(asked, where)} is not a process`,
        mend:
          suggestion(name, [...content.declared.processes], 'processes') ??
          'name an entry of `processes`, or write a URL: `http://127.0.0.1:9000`',
      })
    }
  }
}
