import { connect } from 'node:net'
import { messageOf } from '../../shared/errors.ts'
import { failedOrNotTried } from '../../shared/system/local-fault.ts'
import type { Attempt } from './attempt.ts'

/** Passes when a connection is accepted. */
export function tcpAttempt(host: string, port: number): Attempt {
  return (signal) =>
    new Promise((resolve) => {
      const socket = connect({ host, port, signal })
      socket.once('connect', () => {
        // If nothing listens on a port of the ephemeral range, the kernel may choose it as our own source port, and the
        // socket connects to itself (simultaneous open, RFC 9293 §3.5).
        const toItself = socket.localPort === socket.remotePort && socket.localAddress === socket.remoteAddress
        socket.destroy()
        resolve(toItself ? `nothing listens on ${host} port ${port}` : undefined)
      })
      socket.on('error', (error) => resolve(failedOrNotTried(error, `${host} port ${port}: ${messageOf(error)}`)))
    })
}
