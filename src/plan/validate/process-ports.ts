import { type Check, shown, valueAt, wasLost } from '../asked.ts'

/** `{port}` and a probe that is only a path need the process's port. */
export const processPorts: Check = (asked, report) => {
  for (const [name, { port, command, ready }] of Object.entries(asked.config.processes)) {
    const own = ['processes', name]
    if (port !== undefined || wasLost(asked, [...own, 'port'])) continue
    const words = [
      ...command.map((word, index) => ({ word, where: [...own, 'command', index] })),
      ...(ready?.exec ?? []).map((word, index) => ({ word, where: [...own, 'ready', 'exec', index] })),
      { word: ready?.http ?? '', where: [...own, 'ready', 'http'] },
    ]
    const mend = `say where it serves: \`port: 8080\` in \`${name}\``
    for (const { word, where } of words) {
      if (!word.includes('{port}')) continue
      const message = `this word uses \`{port}\`, but \`${name}\` has no port`
      report({ code: 'port-needed', at: valueAt(asked, where), message, mend })
    }
    if (ready?.http?.startsWith('/')) {
      const where = [...own, 'ready', 'http']
      const message = `${shown(asked, where)} is a path on the port of \`${name}\`, which has none`
      report({ code: 'port-needed', at: valueAt(asked, where), message, mend: `${mend}, or write the whole URL` })
    }
  }
}
