import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { findProgram } from '../../scripts/debian-parts.ts'
import { caddy, caddyCommand } from './caddy.ts'
import { type Peer, write } from './site.ts'

/** Caddy, supervisord and a script that listens to its events: what Gatehouse replaces in a container. */
export const caddyAndSupervisord: Peer = {
  name: 'caddy + supervisord',
  features: ['processes'],
  package: 'supervisor',
  find() {
    const program = findProgram('supervisord')
    const front = caddy.find()
    if (program === undefined || front === undefined) return undefined
    const { stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' })
    return { program, version: `${front.version} + ${stdout.trim()}` }
  },
  prepare(site, program) {
    const { folder, processes } = site
    const front = caddyCommand(site, caddy.find()?.program ?? 'caddy').join(' ')
    const idle = Array.from({ length: processes }, (_, n) => `[program:idle-${n}]\ncommand=sleep infinity\n`)
    const file = write(
      site,
      'supervisord.conf',
      `[supervisord]
nodaemon=true
user=root
logfile=${folder}/supervisord.log
pidfile=${folder}/supervisord.pid
childlogdir=${folder}
[eventlistener:watch]
command=python3 ${join(import.meta.dirname, 'event-listener.py')}
events=PROCESS_STATE
[program:caddy]
command=${front}
${idle.join('')}`,
    )
    return [program, '-c', file]
  },
}
