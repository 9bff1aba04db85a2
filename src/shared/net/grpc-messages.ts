/**
 * The two messages of gRPC's health protocol (grpc/doc/health-checking.md), too small for a protobuf library:
 *
 *   message HealthCheckRequest  { string service = 1; }
 *   message HealthCheckResponse { ServingStatus status = 1; }
 *
 * Wire format: protobuf.dev/programming-guides/encoding; five bytes stand in front of each message
 * (Length-Prefixed-Message in grpc/doc/PROTOCOL-HTTP2.md): a flag, 1 if compressed, and the length, big-endian.
 */

const prefixLength = 5
const servingStatuses = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'] as const

export type ServingStatus = (typeof servingStatuses)[number]

/** An empty service name means the whole server. */
export function healthRequest(service: string): Uint8Array {
  const name = Buffer.from(service)
  // proto3 omits default values. Tag 0x0a: field 1, wire type 2, which is a length and that many bytes.
  const message = name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a, ...varint(name.length)]), name])
  const prefix = Buffer.alloc(prefixLength)
  prefix.writeUInt32BE(message.length, 1)
  return Buffer.concat([prefix, message])
}

/** Undefined if the bytes are not one complete, uncompressed response. */
export function readHealthResponse(bytes: Buffer): ServingStatus | undefined {
  if (bytes.length < prefixLength || bytes[0] !== 0) return undefined
  const message = bytes.subarray(prefixLength, prefixLength + bytes.readUInt32BE(1))
  if (message.length < bytes.readUInt32BE(1)) return undefined
  const fields = new Fields(message)
  let status = 0
  while (!fields.atEnd) {
    const [number, value] = fields.next()
    if (number === undefined) return undefined
    if (number === 1 && value !== undefined) status = value
  }
  return servingStatuses[status]
}

/** Iterates over the fields of a message. Unknown fields are skipped: later versions of the protocol may add some. */
class Fields {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.length
  }

  /** The field's number, undefined if malformed, and its value if it is a varint. */
  next(): readonly [number?, number?] {
    const tag = this.#varint()
    const number = tag >>> 3
    switch (tag & 7) {
      case 0:
        return this.#within([number, this.#varint()])
      case 1:
        this.#at += 8
        return this.#within([number])
      case 2:
        this.#at += this.#varint()
        return this.#within([number])
      case 5:
        this.#at += 4
        return this.#within([number])
      default:
        return []
    }
  }

  #within(field: readonly [number, number?]): readonly [number?, number?] {
    return this.#at <= this.#bytes.length ? field : []
  }

  #varint(): number {
    let value = 0
    for (let shift = 0; shift < 64; shift += 7) {
      const byte = this.#bytes[this.#at]
      this.#at += 1
      if (byte === undefined) break
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) break
    }
    return value
  }
}

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)]
}
