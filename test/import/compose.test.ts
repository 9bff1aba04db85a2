/** What the keys of a Compose file become, key by key, and the place of everything that becomes nothing. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Entries } from '../../src/import/reading.ts'
import { importTexts, onlyProcess } from './importing.ts'

/** A service with these keys; the first of them is line 4. */
function service(...lines: readonly string[]) {
  return importTexts({
    'compose.yaml': ['services:', '  web:', '    command: serve', ...lines.map((line) => `    ${line}`)].join('\n'),
  })
}

describe('a service of Compose', () => {
  it.each<[string, readonly string[], Entries]>([
    ['is not started again if nothing is said', [], { restart: { policy: 'never' } }],
    ['restarts forever', ['restart: always'], { restart: { giveUp: { failures: 1_000_000 } } }],
    [
      'is started again so many times',
      ['restart: on-failure:3'],
      { restart: { policy: 'on-failure', giveUp: { failures: 4 } } },
    ],
    [
      'has the restart policy of its deployment',
      ['restart: "no"', 'deploy: { restart_policy: { condition: on-failure, max_attempts: 2 } }'],
      { restart: { policy: 'on-failure', giveUp: { failures: 3 } } },
    ],
    ['has variables as a list', ['environment: [A=1, "B=x=y", C]'], { environment: { set: { A: '1', B: 'x=y' } } }],
    [
      'has variables as a mapping',
      ['environment: { A: 1, B: true, C: }'],
      { environment: { set: { A: '1', B: 'true' } } },
    ],
    ['has files of variables', ['env_file: web.env'], { environment: { files: [{ path: 'web.env' }] } }],
    [
      'has files that may be missing',
      ['env_file: [{ path: a.env }, { path: b.env, required: false }]'],
      { environment: { files: [{ path: 'a.env' }, { path: 'b.env', when: { file: 'b.env' } }] } },
    ],
    [
      'is ready by a command',
      ['healthcheck: { test: [CMD, ask, "me"], interval: 1m30s, timeout: 500ms, retries: 2 }'],
      {
        ready: { exec: ['ask', 'me'], every: '90s', timeout: '500ms', failures: 2 },
      },
    ],
    [
      'is ready by a line for the shell',
      ['healthcheck: { test: "ask | grep $$OK", start_period: 10m }'],
      {
        ready: { exec: ['sh', '-c', 'ask | grep $OK'], every: '30s', timeout: '30s', deadline: '600s', failures: 3 },
      },
    ],
    ['has its health check disabled', ['healthcheck: { disable: true, test: [CMD, x] }'], {}],
    ['is ready when its one port answers', ['expose: [3000]'], { ready: { tcp: 3000 } }],
    ['has several ports', ['expose: ["3000", "3001"]'], {}],
    [
      'has its time and its signal to stop',
      ['stop_grace_period: 1m', 'stop_signal: SIGQUIT'],
      { stop: { signal: 'SIGQUIT', grace: '60s' } },
    ],
    ['has a user and a folder', ['user: "1000:1000"', 'working_dir: /srv'], { user: '1000:1000', directory: '/srv' }],
    [
      'has limits',
      ['ulimits: { nofile: 1024, core: 0, memlock: { soft: 65536, hard: -1 }, cpu: 60 }'],
      {
        limits: { openFiles: 1024, coreSize: 0, lockedMemory: { soft: '65536B', hard: 'unlimited' }, cpuTime: '60s' },
      },
    ],
    ['may use so much memory', ['mem_limit: 512m'], { memory: '512MiB' }],
    [
      'may use so much memory in a deployment',
      ['deploy: { resources: { limits: { memory: 1G } } }'],
      { memory: '1GiB' },
    ],
    [
      'runs if one of its profiles is wanted',
      ['profiles: [a, b.c]'],
      {
        when: { env: 'COMPOSE_PROFILES', matches: '(^|,)(\\*|a|b\\.c)(,|$)' },
      },
    ],
  ])('%s', (_, lines, expected) => {
    const restart = 'restart' in expected ? {} : { restart: { policy: 'never' } }
    expect(onlyProcess(service(...lines))).toEqual({ command: ['serve'], ...restart, ...expected })
  })

  it.each<[string, readonly unknown[]]>([
    ['command: run "two words" --x', ['run', 'two words', '--x']],
    ['command: [run, "two words", 6379, yes]', ['run', 'two words', '6379', 'yes']],
    ['entrypoint: [init, "--"]\n    command: run', ['init', '--', 'run']],
    [
      'command: run $ARGS "$ONE" $${LITERAL} --in=${DIR:-/tmp}',
      ['run', { words: '${ARGS:-}' }, '${ONE:-}', '$${LITERAL}', '--in=${DIR:-/tmp}'],
    ],
    [
      'command: run ${A:?is needed} ${B:-${C}} ${D-x y}',
      ['run', { words: '${A}' }, { words: '${B:-${C:-}}' }, { words: '${D:-x y}' }],
    ],
  ])('has the command of %s', (lines, expected) => {
    const read = importTexts({ 'compose.yaml': `services:\n  web:\n    ${lines}\n` })
    expect(onlyProcess(read)).toMatchObject({ command: expected })
  })

  it.each<[string, string]>([
    [
      'image: nginx:1',
      '4:5: changed: the command runs in the container of Gatehouse: its program must be installed there',
    ],
    [
      'volumes: [./x:/x]',
      '4:5: untranslated: `volumes`: there are no mounts between programs of one container: paths are those of the container that Gatehouse runs in',
    ],
    [
      'cap_add: [NET_ADMIN]',
      '4:5: untranslated: `cap_add`: belongs to the container: set it on the one that Gatehouse runs in',
    ],
    [
      'cpus: 0.5',
      '4:5: untranslated: `cpus`: there are no cgroups for single programs; `nice` and `limits` come nearest',
    ],
    [
      'deploy: { replicas: 3 }',
      '4:15: untranslated: `deploy.replicas` belongs to a cluster: Kubernetes or Swarm runs the container that Gatehouse runs in',
    ],
    [
      'ports: ["80:8080"]',
      '4:13: untranslated: programs publish no ports: route to it, or publish a port of the container',
    ],
    [
      'labels: { traefik.enable: true }',
      '4:15: untranslated: `traefik.enable`: write it as a route under `gateway.routes`',
    ],
    ['restart: sometimes', '4:5: untranslated: `restart` must be `no`, `always`, `on-failure` or `unless-stopped`'],
    ['stop_grace_period: soon', '4:5: untranslated: `stop_grace_period` is not a duration such as `1m30s`'],
    ['healthcheck: { test: [ASK, x] }', '4:20: untranslated: `test` must begin with `CMD`, `CMD-SHELL` or `NONE`'],
    [
      'healthcheck: { retries: 5 }',
      '4:18: untranslated: `healthcheck` without `test`: the one of the image is not known here',
    ],
    [
      'healthcheck: { test: x, start_interval: 1s }',
      '4:29: changed: `start_interval`: `ready` has one interval, `every`, from the start',
    ],
    [
      'deploy: { resources: { reservations: { memory: 1G } } }',
      '4:28: untranslated: `reservations`: nothing can be reserved for one program of a container',
    ],
    [
      'deploy: { restart_policy: { condition: any, delay: 5s } }',
      '4:49: untranslated: `restart_policy.delay`: `restart` has `backoff` and `giveUp`',
    ],
    ['ulimits: { rttime: 5 }', '4:16: untranslated: there is no limit `rttime`'],
    ['environment: { "a b": secret }', '4:20: untranslated: `a b` is not a variable name: use letters, digits and `_`'],
    [
      'environment: { X: "${Y:+secret}" }',
      '4:23: untranslated: `${Y:+...}`: text for a variable that is set is not supported; use a block with `when: { env: Y }`',
    ],
    ['depends_on: [db]', '4:18: untranslated: the dependency on `db` is left out: it is not a process here'],
    ['comand: x', '4:5: untranslated: `comand` is not known'],
    ['stop_signal: SIGNAL', '4:5: untranslated: `stop_signal` is not a signal'],
    ['profiles: ["*("]', '4:16: untranslated: a profile has letters, digits, `.`, `-` and `_`'],
    ['mem_limit: 4k', '4:5: untranslated: the memory limit is not a size such as `512m`, of 1 MB or more'],
    ['ulimits: { constructor: 5 }', '4:16: untranslated: there is no limit `constructor`'],
    ['x-anything: x', ''],
  ])('tells the place of what is not as it was: %s', (line, expected) => {
    const { lines } = service(line)
    expect(lines.filter((one) => !one.includes(' note: '))).toEqual(expected === '' ? [] : [`compose.yaml:${expected}`])
    expect(lines.join()).not.toContain('secret')
  })

  it('waits for others as it did; who is waited for to its end is a task', () => {
    const { config } = importTexts({
      'compose.yaml': `services:
  a: { command: a, depends_on: { b: { condition: service_completed_successfully }, c: { condition: service_healthy }, d: { condition: service_started } } }
  b: { command: b, restart: on-failure }
  c: { command: c, healthcheck: { test: x } }
  d: { command: d }
`,
    })
    expect(config.processes).toMatchObject({
      a: { dependsOn: { b: 'completed', c: 'ready', d: 'started' } },
      b: { kind: 'task' },
    })
    expect((config.processes as Entries).b).not.toHaveProperty('restart')
  })

  it('is reported if it could not be restarted after one that exited', () => {
    const { lines } = importTexts({
      'compose.yaml':
        'services:\n  a: { command: a, restart: always, depends_on: [b] }\n  b: { command: b, depends_on: [c] }\n  c: { command: c }\n',
    })
    expect(lines.filter((line) => line.includes('changed'))).toEqual([
      'compose.yaml:2:50: changed: once `b` has exited for good, this process is not restarted either: give `b` a `restart`',
    ])
  })

  it('that only names an image is reported, and so is a service that has it as a host', () => {
    const { config, lines } = importTexts({
      'compose.yaml':
        'services:\n  db: { image: postgres }\n  web: { command: web, environment: { URL: "postgres://app:hunter2@db:5432/app" } }\n',
    })
    expect(Object.keys(config.processes as Entries)).toEqual(['web'])
    expect(lines).toEqual([
      'compose.yaml:2:3: untranslated: service `db` runs an image: install its program and set its `command`, or, if it runs elsewhere, write an `upstream` with its address',
      'compose.yaml:3:39: untranslated: `URL` has `db` as a host, a name that only Compose knows: a process of this container is at 127.0.0.1',
    ])
  })

  it('inherits by anchors and merge keys, and its own keys win', () => {
    const { config } = importTexts({
      'compose.yaml': `x-base: &base { restart: always, stop_signal: SIGINT }
x-more: &more { restart: "no", user: app }
services:
  web: { <<: [*base, *more], command: web, stop_signal: SIGHUP }
`,
    })
    expect(config.processes).toEqual({
      web: { command: ['web'], user: 'app', restart: { giveUp: { failures: 1_000_000 } }, stop: { signal: 'SIGHUP' } },
    })
  })

  it('sees the variables that Compose reads for the file itself', () => {
    const texts = { 'compose.yaml': 'services: { a: { command: "run $PORT_OF_A" } }', '.env': 'PORT_OF_A=3000' }
    const { config, lines } = importTexts(texts, { given: ['compose.yaml'] })
    expect(config.environment).toEqual({ files: [{ path: '.env' }] })
    expect(lines).toContain(
      'compose.yaml:1:1: changed: Compose reads `.env` only for variables of this file; here processes see it too',
    )
  })

  it.each([
    [
      'aliases that multiply',
      `x-0: &a0 [x,x,x,x,x,x,x,x,x,x]\n${[1, 2, 3, 4, 5, 6].map((n) => `x-${n}: &a${n} [${Array(10).fill(`*a${n - 1}`)}]`).join('\n')}\nservices: { web: { command: *a6 } }`,
    ],
    ['no YAML', 'services: [a'],
    ['no services', 'services:\n'],
  ])('is reported and not followed where the file is %s', (_, text) => {
    const { config, lines } = importTexts({ 'compose.yml': text })
    expect(config.processes ?? {}).toEqual(text.includes('a6') ? expect.anything() : {})
    expect(lines.filter((line) => line.includes('untranslated')).length).toBe(text === 'services:\n' ? 0 : 1)
  })
})

it('a whole Compose file loses nothing in silence', () => {
  const file = join(import.meta.dirname, '../fixtures/import/compose/compose.yaml')
  const { config, lines } = importTexts({ 'compose.yaml': readFileSync(file, 'utf8') })
  expect(Object.keys(config.processes as Entries)).toEqual(['cache', 'migrate', 'api', 'debug-shell'])
  expect(lines.filter((line) => line.includes('untranslated')).map((line) => line.split(': ')[0])).toEqual(
    [
      '11:3',
      '25:65',
      '33:9',
      '35:18',
      '45:7',
      '52:44',
      '56:7',
      '57:44',
      '59:9',
      '63:13',
      '63:26',
      '64:5',
      '65:5',
      '66:1',
      '68:1',
    ].map((place) => `compose.yaml:${place}`),
  )
})
