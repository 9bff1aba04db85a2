/** HAProxy as the load balancer of the reference deployment, which asks for health and hides no failure. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { LineRecord } from './log-lines.ts'
import { endsWithUs, type Machine } from './network.ts'

export interface Balancer {
  /** Resolves when HAProxy has logged, after its `after`th line, that this server is UP or DOWN. */
  becomes(server: string, state: 'UP' | 'DOWN', after: number): Promise<void>
  /** How many lines it has said. */
  readonly said: number
  /** What it counted, by server and then by its own name of the number (management.txt, 9.1). */
  counts(): Promise<Record<string, Record<string, number>>>
  close(): Promise<void>
}

interface BalancerOptions {
  readonly machine: Machine
  readonly program: string
  /** For its file and its socket. */
  readonly folder: string
  /** Where clients come in. */
  readonly address: string
  /** Server → address. */
  readonly servers: Readonly<Record<string, string>>
}

/**
 * Nothing is tried twice, at no server. The timeouts are those of an ALB; it asks for health four times a second, and believes two
 * answers, so it needs half a second and a bit where an ALB needs some ten.
 */
function configuration({ folder, address, servers }: BalancerOptions): string {
  return `
global
  log stdout format raw local0 info
  stats socket ${join(folder, 'haproxy.sock')}
defaults
  mode http
  log global
  option forwardfor
  retries 0
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout http-keep-alive 60s
  timeout tunnel 1h
  timeout check 1s
  http-reuse always
  option httplog
  option dontlog-normal
frontend public
  bind ${address}
  default_backend app
backend app
  balance roundrobin
  option httpchk GET /readyz
  http-check expect status 200
  default-server inter 250ms fall 2 rise 2
${Object.entries(servers)
  .map(([name, at]) => `  server ${name} ${at} check`)
  .join('\n')}
`
}

export async function startBalancer(options: BalancerOptions): Promise<Balancer> {
  const file = join(options.folder, 'haproxy.cfg')
  writeFileSync(file, configuration(options))
  const [command = '', ...words] = options.machine.inside(...endsWithUs, options.program, '-db', '-f', file)
  const child = spawn(command, words, { stdio: ['ignore', 'pipe', 'pipe'] })
  const record = new LineRecord()
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', (message) => record.add({ message }))
  const ended = once(child, 'close').then(([code]) => record.end(`HAProxy ended with ${code}`))
  const ask = async (question: string) => {
    const socket = connect(join(options.folder, 'haproxy.sock'))
    socket.end(`${question}\n`)
    return await text(socket)
  }
  return {
    get said() {
      return record.lines.length
    },
    async becomes(server, state, after) {
      await record.waitFor({ message: new RegExp(`^Server app/${server} is ${state}`) }, after, 20_000)
    },
    async counts() {
      const [names = '', ...rows] = (await ask('show stat')).replace('# ', '').trim().split('\n')
      const columns = names.split(',')
      const tables = rows.map((row) => row.split(','))
      return Object.fromEntries(
        tables
          .filter(([proxy]) => proxy === 'app')
          .map((row) => [row[1] ?? '', Object.fromEntries(columns.map((name, at) => [name, Number(row[at])]))]),
      )
    },
    async close() {
      child.kill('SIGKILL')
      await ended
    },
  }
}
