import type { Logger } from './logger.ts'

/** What is told of each request when it is over. The query is left out: it often carries tokens. */
export interface AccessRecord {
  readonly requestId: string
  /** The id that is ours in any case, if the config asks for one. */
  readonly internalId?: string
  /** Address of the client. */
  readonly client: string
  readonly listener: string
  readonly protocol: 'h1' | 'h2' | 'websocket'
  readonly tls: boolean
  readonly method: string
  readonly host: string
  readonly path: string
  /** 499: the client went away before the answer was complete. */
  readonly status: number
  /** Bytes of the body sent, as far as they are known. */
  readonly bytes: number
  /** Milliseconds from the request's head to the end of the answer. */
  readonly duration: number
  readonly route?: string
  readonly userAgent?: string
  /** Why the gateway answered with an error of its own; for our eyes only, the client never sees it. */
  readonly error?: string
}

export type AccessLog = (record: AccessRecord) => void

export function createAccessLog(logger: Logger): AccessLog {
  return (record) => {
    logger.record({ process: 'gateway', ...record }, 'request')
  }
}
