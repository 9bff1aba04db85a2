import { readdirSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { readPlan } from '../plan/read-plan.ts'
import { GatehouseError } from '../shared/errors.ts'
import { configFile, takesConfigFile } from './config-file.ts'
import { environment } from './environment.ts'

export interface SocketOptions {
  readonly config?: string
  readonly socket?: string
}

/** Adds the options by which a verb finds the running Gatehouse. */
export function takesSocket(command: Command): Command {
  return takesConfigFile(command).option(
    '-s, --socket <path>',
    'control socket (default: that of the configuration, else the place where `run` creates it for this user)',
  )
}

/**
 * Absolute path of the given socket, or of the one on which a Gatehouse of this user listens. Throws `not-running`,
 * with all places that were tried, if there are several and nothing listens on any.
 */
export async function socketOf(argument: string | undefined, { config, socket }: SocketOptions): Promise<string> {
  if (socket !== undefined) return resolve(socket)
  // Also from a file with errors: the running Gatehouse may have read it before they were made.
  const { sockets } = readPlan(configFile(argument, config), environment())
  const [first = '', ...others] = sockets
  const foreign = foreignSockets(sockets)
  if (others.length === 0 && foreign.length === 0) return first
  for (const path of sockets) if (await isListening(path)) return path
  throw new GatehouseError(
    'not-running',
    `no gatehouse listens on ${sockets.join(' or ')}; start it with \`gatehouse run\`, ${hintFor(foreign)}`,
  )
}

function hintFor(foreign: readonly string[]): string {
  if (foreign.length === 0) return 'or set `--socket`, or `control.socket` in the config file'
  return `or connect to one of another user: ${foreign.map((path) => `--socket ${path}`).join(', ')}`
}

/** Also true if we lack the permission to connect: the request then fails with that reason. */
function isListening(path: string): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(path)
    socket.once('connect', () => done(true))
    socket.once('error', ({ code }: NodeJS.ErrnoException) => done(code !== 'ENOENT' && code !== 'ECONNREFUSED'))
    socket.once('connect', () => socket.destroy())
  })
}

/** The default sockets of other users, if we are root. Only suggested, never used: it is not known who created them. */
function foreignSockets(own: readonly string[]): readonly string[] {
  if (process.geteuid?.() !== 0) return []
  const folders = [...entriesOf(tmpdir(), /^gatehouse-\d+$/), ...entriesOf('/run/user', /^\d+$/)]
  return folders.flatMap((folder) => entriesOf(folder, /^gatehouse\.sock$/).filter((path) => !own.includes(path)))
}

function entriesOf(folder: string, pattern: RegExp): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((name) => pattern.test(name))
      .map((name) => join(folder, name))
  } catch {
    return [] // it does not exist
  }
}
