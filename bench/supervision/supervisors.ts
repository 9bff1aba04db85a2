/** The same three services for each supervisor, with its defaults where that makes sense. */
import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

export const services = ['database', 'backend', 'web'] as const
/** Milliseconds that each needs from its start until it serves. */
const startTimes = { database: 200, backend: 100, web: 20 } as const

export interface Site {
  readonly folder: string
  /** Path of the Unix socket for reports. */
  readonly events: string
  readonly ports: readonly number[]
}

export interface Supervisor {
  readonly name: string
  readonly program: string
  /** Name of its control socket, if that has events. */
  readonly control?: string
  /** Writes its configuration and returns its command line. */
  prepare(site: Site): readonly string[]
}

const here = import.meta.dirname

function commandOf({ events, ports }: Site, index: number): readonly string[] {
  const name = services[index] ?? 'database'
  const upstream = index === 0 ? [] : [String(ports[index - 1])]
  return [
    '/usr/bin/perl',
    join(here, 'service.pl'),
    name,
    events,
    String(ports[index]),
    `${startTimes[name]}`,
    ...upstream,
  ]
}

export const gatehouse: Supervisor = {
  name: 'gatehouse',
  program: resolve(here, '../../dist/gatehouse'),
  control: 'control.sock',
  prepare(site) {
    const entries = services.map((name, index) => {
      const below = services[index - 1]
      const waits = below === undefined ? '' : `, dependsOn: { ${below}: ready }`
      const essential = name === 'backend' ? ', essential: true' : ''
      return `  ${name}: { command: ${JSON.stringify(commandOf(site, index))}, ready: { tcp: ${site.ports[index]} }${waits}${essential} }`
    })
    const file = join(site.folder, 'gatehouse.yaml')
    writeFileSync(file, `processes:\n${entries.join('\n')}\nstorage: ./storage\ncontrol: { socket: ./control.sock }\n`)
    return [this.program, 'run', file]
  },
}

export const supervisord: Supervisor = {
  name: 'supervisord',
  program: '/usr/bin/supervisord',
  prepare(site) {
    const programs = services.map(
      (name, index) =>
        `[program:${name}]\ncommand=${commandOf(site, index).join(' ')}\npriority=${10 * (index + 1)}\nautorestart=true\n`,
    )
    const file = join(site.folder, 'supervisord.conf')
    const listener = `command=/usr/bin/perl ${join(here, 'listener.pl')} ${site.events}\nevents=PROCESS_STATE\npriority=1`
    writeFileSync(
      file,
      `[supervisord]
nodaemon=true
user=root
logfile=${site.folder}/supervisord.log
pidfile=${site.folder}/supervisord.pid
childlogdir=${site.folder}
[eventlistener:watch]
${listener}
${programs.join('')}`,
    )
    return [this.program, '-c', file]
  },
}
