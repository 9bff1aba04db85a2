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

/** Gives a verb the options by which it finds the Gatehouse that runs. */
export function takesSocket(command: Command): Command {
  return takesConfigFile(command).option(
    '-s, --socket <path>',
    "control socket (default: the configuration's, else where `run` puts it for this user)",
  )
}

/**
 * Absolute path of the socket that was asked for, or on which a Gatehouse of this user listens. Throws `not-running`, with all the
 * places that were looked at, if there are several and nobody listens on any.
 */
export async function socketOf(argument: string | undefined, { config, socket }: SocketOptions): Promise<string> {
  if (socket !== undefined) return resolve(socket)
  // Who broke the file while it runs, or before it was read again, must still be able to ask how it is.
  const { sockets } = readPlan(configFile(argument, config), environment())
  const [first = '', ...others] = sockets
  const ofOthers = foreignSockets(sockets)
  if (others.length === 0 && ofOthers.length === 0) return first
  for (const path of sockets) if (await isThere(path)) return path
  throw new GatehouseError(
    'not-running',
    `no gatehouse listens on ${sockets.join(' or ')}; start it with \`gatehouse run\`, ${hintOf(ofOthers)}`,
  )
}

function hintOf(ofOthers: readonly string[]): string {
  if (ofOthers.length === 0) return 'or say where with `--socket` or `control.socket` in the config file'
  return `or ask one of another user: ${ofOthers.map((path) => `--socket ${path}`).join(', ')}`
}

/** Whether somebody listens there, be it one whom we may not ask: that is told by the answer. */
function isThere(path: string): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(path)
    socket.once('connect', () => done(true))
    socket.once('error', ({ code }: NodeJS.ErrnoException) => done(code !== 'ENOENT' && code !== 'ECONNREFUSED'))
    socket.once('connect', () => socket.destroy())
  })
}

/** Where those of other users are by default, for root, who may ask them: only told, since who made them is not known. */
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
    return [] // it is not there
  }
}
