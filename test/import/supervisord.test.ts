/**
 * What supervisord's keys become, key by key. What a program then gets from both is compared by
 * supervisord-beside.test.ts.
 */
import { describe, expect, it } from 'vitest'
import type { Entries } from '../../src/import/reading.ts'
import { importTexts, onlyProcess } from './importing.ts'

/** A program with these lines; the first of them is line 3. */
function program(...lines: readonly string[]) {
  return importTexts({ 'supervisord.conf': ['[program:web]', 'command=serve', ...lines].join('\n') })
}

describe('a program of supervisord', () => {
  it.each<[string, readonly string[], Entries]>([
    ['restarts after failures alone if nothing is said', [], { restart: { policy: 'on-failure' } }],
    ['restarts always', ['autorestart=true'], {}],
    ['never restarts', ['autorestart=no', 'startretries=0'], { restart: { policy: 'never' } }],
    ['is a task if it may end at once', ['autorestart=false', 'startsecs=0'], { kind: 'task' }],
    ['is given up after its retries', ['autorestart=true', 'startretries=3'], { restart: { giveUp: { failures: 4 } } }],
    [
      'has all of its slow starts counted',
      ['autorestart=true', 'startretries=3', 'startsecs=20'],
      { restart: { giveUp: { failures: 4, within: '90s' }, steady: '20s' } },
    ],
    [
      'is never given up if every start counts as a good one',
      ['autorestart=true', 'startsecs=0', 'startretries=3'],
      { restart: { giveUp: { failures: 1_000_000 } } },
    ],
    [
      'stops by its signal, and has its time',
      ['autorestart=true', 'stopsignal=quit', 'stopwaitsecs=45'],
      { stop: { signal: 'SIGQUIT', grace: '45s' } },
    ],
    ['takes a signal by its number', ['autorestart=true', 'stopsignal=2'], { stop: { signal: 'SIGINT' } }],
    [
      'has a folder, a user and a mask',
      ['autorestart=true', 'directory=/srv', 'user=app', 'umask=027'],
      { directory: '/srv', user: 'app', umask: '0027' },
    ],
    [
      'has variables with quotes, commas and those of others',
      ['autorestart=true', `environment=A="1,2",B='x y',`, `  C=%(ENV_HOME)s/bin`],
      { environment: { set: { A: '1,2', B: 'x y', C: '${HOME}/bin' } } },
    ],
    [
      'starts only if a variable is set, where it would be started by hand',
      ['autorestart=true', 'autostart=false'],
      { when: { env: 'START_WEB' } },
    ],
    [
      'is ready when the port from its options answers',
      ['autorestart=true', 'environment=PORT="3000"'],
      { environment: { set: { PORT: '3000' } }, ready: { tcp: 3000 } },
    ],
    [
      'may write nothing',
      ['autorestart=true', 'stdout_logfile=NONE', 'stderr_logfile=/dev/stderr', 'stdout_logfile_maxbytes=0'],
      {},
    ],
  ])('%s', (_, lines, expected) => {
    expect(onlyProcess(program(...lines))).toEqual({ command: ['serve'], ...expected })
  })

  it.each<[string, readonly unknown[]]>([
    ['run --a "two words" \'as $it is\' b\\ c', ['run', '--a', 'two words', 'as $it is', 'b c']],
    ['run "a\\"b\\$c"', ['run', 'a"b\\$c']],
    ['run ${BRACES}', ['run', '$${BRACES}']],
    ['run %(ENV_ARGS)s "%(ENV_ONE)s" -d%(ENV_DIR)s/x', ['run', { words: '${ARGS}' }, '${ONE}', '-d${DIR}/x']],
    ['run 100%%  ; the rest is a comment', ['run', '100%']],
    ['run http://x/#fragment;a # comment', ['run', 'http://x/#fragment;a']],
    ['run %(program_name)s %(group_name)s %(here)s/x', ['run', 'web', 'web', '/etc/x']],
  ])('has the command %s', (command, expected) => {
    const read = importTexts({ '/etc/supervisord.conf': `[program:web]\ncommand=${command}` })
    expect(onlyProcess(read)).toMatchObject({ command: expected })
    expect(read.lines.filter((line) => line.includes('command'))).toEqual([])
  })

  it('is several with `numprocs`, each with its number, and findings are reported once', () => {
    const { config, lines } = importTexts({
      'a.conf': [
        '[program:worker]',
        'process_name=%(program_name)s_%(process_num)02d',
        'command=work --number %(process_num)d of %(numprocs)s',
        'numprocs=2',
        'numprocs_start=9',
        'directory=/',
        'exitcodes=0,2',
      ].join('\n'),
    })
    expect(config.processes).toMatchObject({
      worker_09: { command: ['work', '--number', '9', 'of', '2'] },
      worker_10: { command: ['work', '--number', '10', 'of', '2'] },
    })
    expect(lines).toEqual(['a.conf:7:1: changed: an exit with 2 is a failure and restarts it; only 0 is a success'])
  })

  it('is not written out a million times', () => {
    const { config, lines } = importTexts({
      'a.conf': '[program:a]\ncommand=a\ndirectory=/\nprocess_name=a-%(process_num)d\nnumprocs=1000000000',
    })
    expect(Object.keys(config.processes as Entries)).toHaveLength(100)
    expect(lines).toEqual([
      'a.conf:5:1: untranslated: 1000000000 copies are too many for one file: the first 100 are imported',
    ])
  })

  it.each<[string, string]>([
    [
      'stdout_syslog=true',
      '3:1: untranslated: `stdout_syslog`: syslog is not supported: all output is on stdout, for the log collector of the container',
    ],
    [
      'stdout_capture_maxbytes=1MB',
      '3:1: untranslated: `stdout_capture_maxbytes`: there is no capture mode: let the program call a URL, or use `hooks`',
    ],
    [
      'serverurl=http://x',
      '3:1: untranslated: `serverurl`: programs get no SUPERVISOR_SERVER_URL: the control socket speaks HTTP and JSON',
    ],
    [
      'stdout_events_enabled=true',
      '3:1: note: `stdout_events_enabled`: not needed: the output of programs is always on stdout of the container',
    ],
    [
      'stopasgroup=false',
      '3:1: changed: signals always go to the whole process group, so that no process is left behind',
    ],
    ['user=www-data', '3:1: changed: HOME, USER and LOGNAME are those of the user; supervisord keeps its own'],
    ['umask=0777', '3:1: untranslated: `umask` removes rights of the owner: `0077` at most'],
    ['autorestart=maybe', '3:1: untranslated: `autorestart` must be `true`, `false` or `unexpected`'],
    ['startsecs=soon', '3:1: untranslated: `startsecs` is not a number'],
    ['stopsignal=NEVER', '3:1: untranslated: `stopsignal` is not a signal'],
    ['environment=A', '3:1: untranslated: `environment` cannot be read: it is written `NAME="value",OTHER="value"`'],
    ['directroy=/srv', '3:1: untranslated: `directroy` is not known to supervisord either: is it misspelt?'],
    ['directory=%(nobody)s', '3:1: untranslated: `directory` has `%(nobody)s`, which supervisord does not know'],
    [
      'directory=100%',
      '3:1: untranslated: `directory` has a `%` that expands to nothing; a literal one is written `%%`',
    ],
    [
      'process_name=%(ENV_WHO)s',
      '3:1: untranslated: `process_name` is known only at startup: the process is named after the program',
    ],
    ['autostart=false', '3:1: changed: `autostart`: it starts only if START_WEB is set'],
    ['user=/x', '3:1: untranslated: `user` is neither a name nor a number'],
    ['   stray', ''],
    ['stray', '3:1: untranslated: this is neither `[section]` nor `key=value`: supervisord refuses such a file'],
  ])('tells the place of what is not as it was: %s', (line, expected) => {
    const { lines } = program(line)
    const reported = lines.filter((one) => !one.includes('starts in the folder'))
    expect(reported).toEqual(expected === '' ? [] : [`supervisord.conf:${expected}`])
  })

  it('reports which exits of a task are failures now', () => {
    const { lines } = program('autorestart=false', 'startsecs=0', 'exitcodes=0,3')
    expect(lines).toContain(
      'supervisord.conf:5:1: changed: a task that exits with 3 has failed, and others keep waiting for it; only 0 is a success',
    )
  })

  it('never shows what a variable of the environment holds', () => {
    const { lines } = program('environment=1A="hunter2",B="hunter2"', 'stdout_syslog=on')
    expect(lines.join()).toContain('`1A`')
    expect(lines.join()).not.toContain('hunter2')
  })

  it('without a command, or with half of one, is reported and left out', () => {
    const { config, lines } = importTexts({
      'a.conf': '[program:a]\nuser=x\n[program:b]\ncommand=run "half\n[program:c]\ncommand=',
    })
    expect(config.processes).toBeUndefined()
    expect(lines).toEqual([
      'a.conf:1:1: untranslated: this program has no `command`',
      'a.conf:4:1: untranslated: `command` has a " that is not closed',
      'a.conf:6:1: untranslated: `command` is empty',
    ])
  })
})

describe('the order of priorities', () => {
  const conf = (name: string, ...lines: string[]) => [`[program:${name}]`, 'command=run', 'directory=/', ...lines, '']

  it('is kept by `started`; a program without a number waits for none', () => {
    const { config } = importTexts({
      'a.conf': [
        ...conf('last', 'priority=30'),
        ...conf('one', 'priority=10'),
        ...conf('whenever'),
        ...conf('two', 'priority=10'),
        ...conf('middle', 'priority=20'),
      ].join('\n'),
    })
    const processes = config.processes as Entries
    expect(Object.keys(processes)).toEqual(['one', 'two', 'middle', 'last', 'whenever'])
    expect(processes.middle).toMatchObject({ dependsOn: { one: 'started', two: 'started' } })
    expect(processes.last).toMatchObject({ dependsOn: { middle: 'started' } })
    expect(processes.one).not.toHaveProperty('dependsOn')
    expect(processes.whenever).not.toHaveProperty('dependsOn')
  })

  it('leaves out programs that may exit for good: dependents could not restart', () => {
    const { config } = importTexts({
      'a.conf': [
        ...conf('base', 'priority=1'),
        ...conf('script', 'priority=2', 'autorestart=false'),
        ...conf('once', 'priority=3', 'autorestart=false', 'startsecs=0'),
        ...conf('last', 'priority=4'),
      ].join('\n'),
    })
    expect(config.processes).toMatchObject({
      script: { dependsOn: { base: 'started' } },
      once: { kind: 'task', dependsOn: { base: 'started' } },
      last: { dependsOn: { base: 'started' } },
    })
  })

  it('of a group comes before that of its programs', () => {
    const { config, lines } = importTexts({
      'a.conf': [
        ...conf('a', 'priority=2'),
        ...conf('b', 'priority=1'),
        ...conf('c', 'priority=5'),
        '[group:late]',
        'programs=a, b',
        'priority=9',
      ].join('\n'),
    })
    expect(config.processes).toMatchObject({ b: { dependsOn: { c: 'started' } }, a: { dependsOn: { b: 'started' } } })
    expect(lines).toContain(
      'a.conf:16:1: note: a group only gives `supervisorctl` a name for several programs: each has its own name here',
    )
  })

  it('gives the whole stop the time that each stage had', () => {
    const { config } = importTexts({
      'a.conf': [
        ...conf('a', 'priority=1', 'stopwaitsecs=60'),
        ...conf('b', 'priority=2', 'stopwaitsecs=5'),
        ...conf('c'),
      ].join('\n'),
    })
    expect(config.shutdown).toEqual({ budget: '75s' })
  })
})

describe('log files', () => {
  it('come to lie below one folder, with one size', () => {
    const { config, lines } = importTexts({
      'a.conf': [
        '[program:a]',
        'command=run',
        'directory=/',
        'stdout_logfile=/logs/a/%(ENV_HOSTNAME)s-stdout.log',
        'stdout_logfile_maxbytes=30MB',
        'stdout_logfile_backups=3',
        '[program:b]',
        'command=run',
        'directory=/',
        'stdout_logfile=/logs/%(program_name)s.log',
        'stdout_logfile_maxbytes=30MB',
        'stdout_logfile_backups=0',
        'redirect_stderr=true',
        '[program:c]',
        'command=run',
        'directory=/',
        'stdout_logfile=/dev/stdout',
        'stderr_logfile=none',
      ].join('\n'),
    })
    expect(config.log).toEqual({ directory: '/logs', rotate: { size: '30MiB', keep: 3 } })
    expect(config.processes).toMatchObject({ c: { output: { files: false } } })
    expect(lines).toEqual([
      'a.conf:10:1: changed: this file is now `/logs/b/<hostname>-stdout.log`',
      'a.conf:12:1: changed: 3 older files are kept, compressed: one number of 1 or more applies to all programs',
      'a.conf:13:1: changed: stdout and stderr have a file each',
    ])
  })
})

describe('the sections of supervisord itself', () => {
  it('give all programs what they say for all', () => {
    const { config, lines } = importTexts({
      'a.conf': [
        '[supervisord]',
        'environment=REGION="eu",KEY="%(ENV_SECRET)s"',
        'user=app',
        'umask=077',
        'directory=/srv',
        'loglevel=debug',
        'nodaemon=false',
        'minfds=65536',
        'pidfile=/run/x.pid',
        '[program:web]',
        'command=serve',
      ].join('\n'),
    })
    expect(config).toMatchObject({
      environment: { set: { REGION: 'eu', KEY: '${SECRET}' } },
      processes: { web: { user: 'app', umask: '0077', directory: '/srv' } },
      log: { level: 'debug' },
    })
    expect(lines).toEqual([
      'a.conf:3:1: changed: Gatehouse keeps its own privileges, to listen on ports below 1024; each program runs as this user',
      'a.conf:4:1: note: `umask` of supervisord counts only while it is a daemon, without `nodaemon` and `-n`',
      'a.conf:5:1: note: `directory` of supervisord counts only while it is a daemon, without `nodaemon` and `-n`',
      'a.conf:7:1: changed: Gatehouse stays in the foreground: the container or systemd puts it in the background',
      'a.conf:8:1: untranslated: `minfds`: the limit of open files is inherited: give programs that need more `limits: { openFiles: NUMBER }`',
      'a.conf:9:1: note: `pidfile`: not needed',
    ])
  })

  it.each<[string, string]>([
    [
      '[eventlistener:crashmail]\ncommand=crashmail\nevents=PROCESS_STATE_EXITED',
      "a.conf:1:1: untranslated: `[eventlistener:crashmail]` speaks supervisord's event protocol: call a command or a URL with `hooks: [{ on: fatal, run: [...] }]`",
    ],
    [
      '[eventlistener:out]\ncommand=x\nevents=PROCESS_LOG',
      'a.conf:1:1: note: `[eventlistener:out]` is not needed: the output of programs is always on stdout of the container',
    ],
    [
      '[fcgi-program:php]\nsocket=tcp://x:1',
      "a.conf:1:1: untranslated: `php` waits for FastCGI on a socket that supervisord opens: start it with a socket of its own, such as php-fpm's",
    ],
    [
      '[inet_http_server]\nport=9001',
      'a.conf:1:1: untranslated: this page is open to everyone: `control.dashboard` needs a user',
    ],
    [
      '[inet_http_server]\nport=somewhere\nusername=x\npassword=y',
      'a.conf:2:1: untranslated: `port` is not a number: give `control.dashboard` a path',
    ],
    [
      '[supervisrod]\nuser=x',
      'a.conf:1:1: untranslated: `[supervisrod]` is not known to supervisord either: is it misspelt?',
    ],
  ])('are reported where they become nothing: %s', (text, expected) => {
    const read = importTexts({ 'a.conf': `${text}\n[program:p]\ncommand=p\ndirectory=/` })
    expect(read.lines).toEqual([expected])
  })

  it('keep the page and its user where only the hash of the password is known', () => {
    const { config, lines } = importTexts({
      'a.conf': '[inet_http_server]\nport=9001\nusername=x\npassword={SHA}82ab',
    })
    expect(config).toMatchObject({
      users: { supervisor: { name: 'x', password: '${SUPERVISOR_PASSWORD:-}' } },
      control: { dashboard: { auth: { basic: 'supervisor' } } },
    })
    expect(lines).toContainEqual(expect.stringMatching(/^a.conf:4:1: changed: .* set SUPERVISOR_PASSWORD/))
    expect(lines.join()).not.toContain('82ab')
  })

  it('are read with the files that they include, each place in its own file', () => {
    const { config, lines, comments } = importTexts(
      {
        '/etc/main.conf':
          '[supervisord]\n[include]\nfiles = %(here)s/%(ENV_KIND)s/*.conf /nowhere/*.ini\n[program:web]\ncommand=old',
        '/etc/prod/b.conf': '\n[program:web]\ncommand=%(here)s/new\nfoo=1',
        '/etc/prod/a.conf': '[program:job]\ncommand=job\ndirectory=/',
      },
      { given: ['/etc/main.conf'], environment: { KIND: 'prod' } },
    )
    expect(config.processes).toMatchObject({ web: { command: ['/etc/prod/new'] }, job: { command: ['job'] } })
    expect(comments).toEqual(['processes.web: from /etc/main.conf:4', 'processes.job: from /etc/prod/a.conf:1'])
    expect(lines.filter((line) => line.includes('untranslated'))).toEqual([
      '/etc/main.conf:3:1: untranslated: no file matches `/nowhere/*.ini`',
      '/etc/prod/b.conf:4:1: untranslated: `foo` is not known to supervisord either: is it misspelt?',
    ])
  })

  it('name a variable for their includes that only the container has', () => {
    const { lines } = importTexts({ 'a.conf': '[supervisord]\n[include]\nfiles=%(ENV_WHERE)s/*.conf' })
    expect(lines).toEqual([
      'a.conf:3:1: untranslated: variable WHERE is not set here, so the included files are unknown: set it, or pass them as arguments after this one',
    ])
  })
})
