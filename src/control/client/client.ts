import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import { GatehouseError, messageOf } from '../../shared/errors.ts'
import { lockHolder } from '../../shared/files/file-lock.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'
import { timeoutSignal } from '../../shared/time/timer.ts'
import { failureSchema, paths, type Status, statusSchema } from '../contract/contract.ts'

/**
 * Reads the status of the Gatehouse behind this Unix socket. Throws `not-running` if none listens there,
 * `still-starting` if one is about to, and `control-failed` without permission, without an answer in time, or for an
 * invalid answer.
 */
export async function readStatus(socket: string, timeout: Milliseconds = 5_000): Promise<Status> {
  const { status, body } = await ask(socket, { method: 'GET', path: paths.status, timeout })
  if (status !== 200) throw new GatehouseError('control-failed', `${socket}: ${failureOf(status, body)}`)
  const answer = statusSchema.safeParse(parseJson(body))
  if (answer.success) return answer.data
  const [issue] = answer.error.issues
  throw new GatehouseError(
    'control-failed',
    `${socket}: the answer is not a status that this version understands (${issue?.path.join('.') || 'body'}: ${issue?.message}); is another version of gatehouse running there?`,
  )
}

export interface ControlRequest {
  readonly method: 'GET' | 'POST'
  readonly path: string
  /** Absent: no limit. */
  readonly timeout?: Milliseconds
}

export interface Answer {
  readonly status: number
  readonly body: string
}

export function ask(socket: string, { method, path, timeout }: ControlRequest): Promise<Answer> {
  return new Promise<Answer>((resolve, reject) => {
    // One deadline for the whole answer: a server that sends a byte now and then must not block us.
    const signal = timeout === undefined ? undefined : timeoutSignal(timeout)
    const fail = (error: unknown) => reject(unanswered(error, socket, signal?.aborted ? timeout : undefined))
    const asking = request({ socketPath: socket, method, path, signal, agent: false }, (response) => {
      text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), fail)
    })
    asking.on('error', fail)
    asking.end()
  })
}

/** `late`: the timeout, if that is the reason. */
function unanswered(error: unknown, socket: string, late: Milliseconds | undefined): GatehouseError {
  if (late !== undefined) {
    return new GatehouseError('control-failed', `${socket}: accepted the connection, but no answer within ${late} ms`)
  }
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ENOENT':
    case 'ECONNREFUSED':
      return notThere(socket, error)
    case 'EACCES':
    case 'EPERM':
      return new GatehouseError(
        'control-failed',
        `${socket}: permission denied; run this as root or as the user that runs gatehouse`,
        { cause: error },
      )
    default:
      return new GatehouseError('control-failed', `${socket}: ${messageOf(error)}`, { cause: error })
  }
}

/** The lock on the path of the socket: taken before Gatehouse listens, held until it ends. */
export function lockPath(socket: string): string {
  return `${socket}.lock`
}

function notThere(socket: string, cause: unknown): GatehouseError {
  const pid = lockHolder(lockPath(socket))
  if (pid !== undefined && pid !== process.pid) {
    const message = `gatehouse (pid ${pid}) does not listen on ${socket} yet: it is starting`
    return new GatehouseError('still-starting', message, { cause })
  }
  return new GatehouseError(
    'not-running',
    `no gatehouse listens on ${socket}; start it with \`gatehouse run\`, or check \`control.socket\` in the config file`,
    { cause },
  )
}

export function failureOf(status: number, body: string): string {
  const failure = failureSchema.safeParse(parseJson(body))
  return failure.success ? `${failure.data.error.message} (${status})` : `answered with status ${status}`
}

export function parseJson(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}
