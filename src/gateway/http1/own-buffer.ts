/**
 * Reads sockets into one buffer of the thread. Node would allocate 64 KB for each read, and shrink it afterwards, which
 * costs more than parsing a request. For sockets that it dials it has the option `onread`; for accepted ones the same is
 * set here, where that option stores it.
 */
import { Socket } from 'node:net'
import { GatehouseError } from '../../shared/errors.ts'

const buffer = Buffer.allocUnsafeSlow(64 * 1024)

interface Handle {
  useUserBuffer(buffer: Buffer): void
}

type Internals = { [key: symbol]: unknown; readonly _handle?: Handle | null }

function internal(name: string): symbol {
  const socket = new Socket({ onread: { buffer, callback: () => true } })
  const symbol = Object.getOwnPropertySymbols(socket).find(({ description }) => description === name)
  if (!symbol) throw new GatehouseError('gateway-failed', `this Node has no ${name}: Gatehouse needs its own version`)
  return symbol
}

const kBuffer = internal('kBuffer')
const kCallback = internal('kBufferCb')

/** Whether the socket has a descriptor, unlike a connection inside the process. */
export function isOfKernel(socket: Socket): boolean {
  return Boolean((socket as unknown as Internals)._handle)
}

/**
 * Calls `take` with all bytes that are read from now on; they are valid during the call only. What was read before
 * (`socket.read()`) is left to the caller. A socket inside the process is read as a stream.
 */
export function readInto(socket: Socket, take: (bytes: Buffer) => void): void {
  if (!isOfKernel(socket)) {
    socket.on('data', take)
    return
  }
  const internals = socket as unknown as Internals
  internals[kCallback] = (length: number): boolean => {
    take(buffer.subarray(0, length))
    return true
  }
  if (internals[kBuffer] === buffer) return
  internals[kBuffer] = buffer
  internals._handle?.useUserBuffer(buffer)
}
