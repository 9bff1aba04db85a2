import type { Logger } from './logger.ts'

/** The log record of a request, written when it is over. Without the query, which often contains tokens. */
export interface AccessRecord {
  readonly requestId: string
  /** The id that is always generated here, if the config asks for one. */
  readonly internalId?: string
  /** Address of the client. */
  readonly client: string
  readonly listener: string
  readonly protocol: 'h1' | 'h2' | 'websocket'
  readonly tls: boolean
  readonly method: string
  readonly host: string
  readonly path: string
  /** 499: the client disconnected before the response was complete. */
  readonly status: number
  /** Bytes of the body that were sent, as far as they are known. */
  readonly bytes: number
  /** Milliseconds from the head of the request to the end of the response. */
  readonly duration: number
  readonly route?: string
  readonly userAgent?: string
  /** Why the gateway answered with an error of its own; never sent to the client. */
  readonly error?: string
}

export type AccessLog = (record: AccessRecord) => void

export function createAccessLog(logger: Logger): AccessLog {
  return (record) => {
    logger.record({ process: 'gateway', ...record }, 'request')
  }
}
