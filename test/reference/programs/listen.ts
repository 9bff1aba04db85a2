/** What the stand-ins of the deployment's programs have in common. Each says its command line, so that the log tells it. */
import { existsSync, readFileSync } from 'node:fs'
import type { Server } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

/** `--name value` or `--name=value` of our own command line. Throws where there is none. */
export function optionOf(name: string): string {
  const words = process.argv.slice(2)
  const at = words.findIndex((word) => word === name || word.startsWith(`${name}=`))
  const value = words[at]?.split('=').slice(1).join('=') || words[at + 1]
  if (at === -1 || value === undefined) throw new Error(`${name} is missing`)
  return value
}

export function sayCommandLine(program: string): void {
  console.log(`${program} ${process.argv.slice(2).join(' ')}`)
}

/** The variables of the parent: for programs that get none of them themselves (`environment: { only: [] }`). */
export function variablesOfParent(): Readonly<Record<string, string | undefined>> {
  const lines = readFileSync(`/proc/${process.ppid}/environ`, 'utf8').split('\0')
  return Object.fromEntries(lines.map((line) => [line.split('=', 1)[0], line.slice(line.indexOf('=') + 1)]))
}

/** Until there is a file at this path; at once if none is named. */
export async function fileAt(path: string | undefined): Promise<void> {
  while (path && !existsSync(path)) await pause(50)
}

export interface Listening {
  readonly port: number
  /** Of what SIGTERM ends: 143 is what Java says. */
  readonly exitCode?: number
  /** Milliseconds from SIGTERM to the end; connections are still answered meanwhile. */
  readonly stop?: number
}

/** Serves on loopback until SIGTERM. */
export function listen(server: Server, { port, exitCode = 0, stop = 0 }: Listening): void {
  process.once('SIGTERM', async () => {
    console.log('stopping')
    await pause(stop)
    console.log('stopped')
    process.exit(exitCode)
  })
  server.listen(port, '127.0.0.1', () => console.log(`listening on ${port}`))
}
