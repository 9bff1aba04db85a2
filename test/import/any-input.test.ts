/** For any value in foreign files the import ends, and `gatehouse check` accepts its output. */
import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { verify } from '../../src/import/verify.ts'
import { yamlText } from '../../src/import/yaml-text.ts'
import { importTexts } from './importing.ts'

/** Values of one kind in the place of another. */
const odd = [
  '',
  '0',
  '1',
  '-1',
  '1.5',
  '99999999999',
  'true',
  'no',
  'a',
  'a b',
  '10s',
  '1m30s',
  '512m',
  '5MB',
  '027',
  '777',
  'TERM',
  '9',
  'SIGFOO',
  'always',
  'unexpected',
  'on-failure:x',
  '"',
  "'",
  '\\',
  '${',
  '$$',
  '%',
  '%%',
  '*',
  '*:9001',
  '80:90',
  '80/udp',
  '/x/y.log',
  '../x',
  'unix:/x',
  '{SHA}abc',
  'A="1"',
  'a=b',
  '=',
  'é',
  'x'.repeat(300),
  'NONE',
  'AUTO',
  'CMD',
  'constructor',
  '__proto__',
  'run --port 80',
  'p, q',
]
const iniValues = [
  ...odd,
  '%(ENV_A)s',
  '%(x)s',
  '%(program_name)s_%(process_num)02d',
  '/x/%(program_name)s/a.log',
  '; x',
  'a;b',
]
const iniSections = [
  'program:p',
  'program:q',
  'program:P x',
  'program:',
  'program:constructor',
  'group:g',
  'supervisord',
  'inet_http_server',
  'eventlistener:e',
  'x',
]
const iniKeys = [
  'command',
  'process_name',
  'numprocs',
  'numprocs_start',
  'priority',
  'autostart',
  'startsecs',
  'startretries',
  'autorestart',
  'exitcodes',
  'stopsignal',
  'stopwaitsecs',
  'stopasgroup',
  'user',
  'redirect_stderr',
  'stdout_logfile',
  'stdout_logfile_maxbytes',
  'stdout_logfile_backups',
  'stderr_logfile',
  'environment',
  'directory',
  'umask',
  'username',
  'password',
  'port',
  'programs',
  'loglevel',
  'nodaemon',
  'minfds',
  'files',
  'events',
  'constructor',
]
const composeKeys = [
  'command',
  'entrypoint',
  'environment',
  'depends_on',
  'healthcheck',
  'restart',
  'stop_grace_period',
  'stop_signal',
  'user',
  'working_dir',
  'ports',
  'expose',
  'labels',
  'ulimits',
  'mem_limit',
  'deploy',
  'profiles',
  'image',
  'build',
  'volumes',
  'test',
  'interval',
  'retries',
  'timeout',
  'start_period',
  'condition',
  'soft',
  'hard',
  'nofile',
  'core',
  'cpu',
  'target',
  'published',
  'protocol',
  'resources',
  'limits',
  'memory',
  'restart_policy',
  'max_attempts',
  'disable',
  'constructor',
]

function chance(seed: number) {
  let state = seed
  const below = (most: number) => {
    state = (state * 48_271) % 2_147_483_647
    return state % most
  }
  return { below, of: <T>(list: readonly T[]): T => list[below(list.length)] as T }
}

function expectSound(files: Readonly<Record<string, string>>): void {
  const { config } = importTexts(files)
  const gateway = { listeners: { http: { address: ':80' } }, routes: [{ file: '/etc/hostname' }] }
  const text = yamlText({ version: 1, ...config, gateway }, [], [])
  const { errors } = verify('/nowhere/gatehouse.yaml', text, { PATH: '/bin' })
  expect(errors, `${Object.values(files).join('\n')}\n---\n${text}`).toEqual([])
}

describe('any input', () => {
  it('of supervisord is read to its end, and what comes of it is sound', () => {
    const { below, of } = chance(3)
    for (let round = 0; round < 300; round += 1) {
      const section = () => {
        const keys = Array.from({ length: below(8) }, () => `${of(iniKeys)}=${of(iniValues)}`)
        return [`[${of(iniSections)}]`, ...(below(3) > 0 ? ['command=run'] : []), ...keys].join('\n')
      }
      expectSound({ 'a.conf': Array.from({ length: 1 + below(5) }, section).join('\n') })
    }
  })

  it('of Compose is read to its end, and what comes of it is sound', () => {
    const { below, of } = chance(5)
    const value = (depth: number): unknown => {
      const kind = below(depth > 3 ? 1 : 4)
      if (kind < 2) return of([...odd, 1, -1, 0.5, true, null])
      if (kind === 2) return Array.from({ length: below(4) }, () => value(depth + 1))
      return mapping(depth)
    }
    const mapping = (depth: number): Record<string, unknown> =>
      Object.fromEntries(Array.from({ length: below(6) }, () => [of(composeKeys), value(depth + 1)]))
    for (let round = 0; round < 300; round += 1) {
      const services = Object.fromEntries(
        ['web', 'db', 'C_3.x'].map((name) => [name, { command: 'run', ...mapping(0) }]),
      )
      expectSound({ 'compose.yaml': stringify({ services, [of(composeKeys)]: value(0) }) })
    }
  })
})
