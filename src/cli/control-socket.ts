import { resolve } from 'node:path'
import type { Command } from 'commander'
import { readPlan } from '../plan/read-plan.ts'
import { configFile, fileExists, takesConfigFile } from './config-file.ts'
import { environment } from './environment.ts'

const defaultSocket = '/run/gatehouse.sock'

export interface SocketOptions {
  readonly config?: string
  readonly socket?: string
}

/** Gives a verb the options by which it finds the Gatehouse that runs. */
export function takesSocket(command: Command): Command {
  return takesConfigFile(command).option(
    '-s, --socket <path>',
    `control socket (default: the configuration's, else ${defaultSocket})`,
  )
}

/** Absolute path of the socket that was asked for. */
export function socketOf(argument: string | undefined, { config, socket }: SocketOptions): string {
  if (socket !== undefined) return resolve(socket)
  const file = configFile(argument, config)
  if (!fileExists(file)) return defaultSocket
  // Who broke the file while it runs, or before it was read again, must still be able to ask how it is.
  return readPlan(file, environment()).socket ?? defaultSocket
}
