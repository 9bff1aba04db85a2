/** The sections that are not programs: supervisord's own settings and further features. */

import { written } from '../marked.ts'
import type { Page } from '../placed.ts'
import type { Entries } from '../reading.ts'
import type { Report } from '../reports.ts'
import { isAccount } from '../terms/account.ts'
import type { Known } from './expansion.ts'
import type { Section } from './ini.ts'
import { type Keys, keysOf, type Read } from './keys.ts'
import { setEntries, variablesOf } from './variables.ts'

export interface Settings {
  readonly environment?: Entries
  readonly users?: Entries
  readonly page?: Page
  readonly level?: string
  /** Defaults for programs. */
  readonly directory?: string
  readonly umask?: string
  readonly user?: string
}

/** `known` holds the `%(...)s` of all sections. */
export function readSettings(sections: readonly Section[], known: Known, report: Report): Settings {
  return Object.assign({}, ...sections.map((section) => readOf(section, keysOf(section, known, report), report)))
}

function readOf(section: Section, keys: Keys, report: Report): Settings {
  const [kind = '', name = ''] = section.name.split(':', 2)
  switch (kind) {
    case 'supervisord':
      return readSupervisord(keys, report)
    case 'inet_http_server':
      return readServer(keys, report)
    case 'unix_http_server':
      report(section.at, 'note', "not needed: `control.socket` is Gatehouse's own, mode 0600")
      return {}
    case 'supervisorctl':
    case 'rpcinterface':
      report(section.at, 'note', 'not needed: `gatehouse status` and the other verbs ask the control socket')
      return {}
    case 'eventlistener':
      reportListener(section, keys, report)
      return {}
    case 'fcgi-program':
      report(
        section.at,
        'untranslated',
        `\`${name}\` waits for FastCGI on a socket that supervisord opens: start it with a socket of its own, such as php-fpm's`,
      )
      return {}
    default:
      report(section.at, 'untranslated', `\`[${section.name}]\` is not known to supervisord either: is it misspelt?`)
      return {}
  }
}

function readSupervisord(keys: Keys, report: Report): Settings {
  const variables = variablesOf(keys, report)
  const nodaemon = keys.boolean('nodaemon')
  const isDaemon = !nodaemon?.value
  if (nodaemon && isDaemon) report(nodaemon.at, 'changed', foreground)
  const [directory, umask] = ['directory', 'umask'].map((key) => {
    const found = keys.text(key)
    if (found)
      report(
        found.at,
        'note',
        `\`${key}\` of supervisord counts only while it is a daemon, without \`nodaemon\` and \`-n\``,
      )
    return isDaemon ? found?.value : undefined
  })
  const asked = keys.text('user')
  const user = asked && isAccount(asked.value) ? asked : undefined
  if (asked && !user) report(asked.at, 'untranslated', '`user` is neither a name nor a number')
  const level = readLevel(keys.text('loglevel'))
  for (const { key, value, at } of keys.unread()) {
    const [, severity, message] = untranslatedKeys.find(([pattern]) => pattern.test(key)) ?? []
    if (!severity || !message)
      report(at, 'untranslated', `\`${key}\` is not known to supervisord either: is it misspelt?`)
    else if (value !== defaults[key]) report(at, severity, `\`${key}\`: ${message}`)
  }
  if (user && !/^(root|0)$/.test(user.value))
    report(
      user.at,
      'changed',
      'Gatehouse keeps its own privileges, to listen on ports below 1024; each program runs as this user',
    )
  return {
    ...(variables.length > 0 && { environment: setEntries(variables) }),
    ...(level && { level }),
    ...(directory && { directory }),
    ...(umask !== undefined && { umask }),
    ...(user && !/^(root|0)$/.test(user.value) && { user: written(user.value) }),
  }
}

const foreground = 'Gatehouse stays in the foreground: the container or systemd puts it in the background'

/** Explicit defaults are not reported. */
const defaults: Readonly<Record<string, string>> = { minfds: '1024', minprocs: '200', strip_ansi: 'false' }

const untranslatedKeys: readonly (readonly [key: RegExp, severity: 'untranslated' | 'note', message: string])[] = [
  [/^logfile/, 'note', 'not needed: Gatehouse logs on stdout, and with `log.directory` in its folder `gatehouse`'],
  [/^(pidfile|nocleanup|identifier|silent|childlogdir)$/, 'note', 'not needed'],
  [
    /^minfds$/,
    'untranslated',
    'the limit of open files is inherited: give programs that need more `limits: { openFiles: NUMBER }`',
  ],
  [
    /^minprocs$/,
    'untranslated',
    'the limit of processes is inherited: give programs that need more `limits: { processes: NUMBER }`',
  ],
  [/^strip_ansi$/, 'untranslated', 'colors stay in the output: most programs omit them with `NO_COLOR=1`'],
  [/^std(out|err)_/, 'note', 'not needed: supervisord reads this in a program only'],
]

function readLevel(found: Read<string> | undefined): string | undefined {
  const levels: Readonly<Record<string, string>> = {
    critical: 'error',
    critic: 'error',
    error: 'error',
    erro: 'error',
    warn: 'warn',
    debug: 'debug',
    debg: 'debug',
    trace: 'debug',
    trac: 'debug',
    blather: 'debug',
    blat: 'debug',
  }
  const name = found?.value.trim().toLowerCase() ?? ''
  return Object.hasOwn(levels, name) ? levels[name] : undefined
}

/** The web page: its user stays, and its content becomes our dashboard. */
function readServer(keys: Keys, report: Report): Settings {
  const name = keys.text('username')
  const password = keys.text('password')
  const port = keys.text('port')
  for (const { key, at } of keys.unread())
    report(at, 'untranslated', `\`${key}\` is not known to supervisord either: is it misspelt?`)
  // Basic authentication ends the name at a colon.
  if (!name?.value || !password?.value || name.value.includes(':')) {
    report(keys.section.at, 'untranslated', 'this page is open to everyone: `control.dashboard` needs a user')
    return {}
  }
  const [, host = '', digits] = /^(?:(.*):)?(\d{1,5})$/.exec(port?.value.trim() ?? '') ?? []
  const isHash = password.value.startsWith('{SHA}')
  if (isHash)
    report(
      password.at,
      'changed',
      'a password cannot be recovered from its hash: set SUPERVISOR_PASSWORD, or one is generated and shown at startup',
    )
  const secret = isHash ? '${SUPERVISOR_PASSWORD:-}' : written(password.value)
  const users = { supervisor: { name: written(name.value), password: secret } }
  if (digits === undefined) {
    report(port?.at ?? keys.section.at, 'untranslated', '`port` is not a number: give `control.dashboard` a path')
    return { users }
  }
  const address = `${host === '*' ? '' : host}:${digits}`
  return { users, page: { at: keys.section.at, address, port: Number(digits), user: 'supervisor' } }
}

function reportListener({ at, name }: Section, keys: Keys, report: Report): void {
  const events = keys.text('events')?.value ?? ''
  const isLog = events.split(',').every((event) => /^\s*PROCESS_(LOG|COMMUNICATION)/.test(event))
  if (isLog && events !== '')
    report(at, 'note', `\`[${name}]\` is not needed: the output of programs is always on stdout of the container`)
  else
    report(
      at,
      'untranslated',
      `\`[${name}]\` speaks supervisord's event protocol: call a command or a URL with \`hooks: [{ on: fatal, run: [...] }]\``,
    )
}
