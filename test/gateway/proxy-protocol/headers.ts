/** Headers of PROXY protocol version 2, byte by byte. */

export interface BinaryHeader {
  /** Version and command: 0x21 is PROXY, 0x20 LOCAL. */
  readonly command?: number
  /** Family and transport: 0x11 is TCP over IPv4, 0x21 over IPv6. */
  readonly family: number
  readonly addresses: Buffer
  readonly more?: Buffer
  /** What the header says of the length behind its fixed part; the true one if absent. */
  readonly length?: number
}

export const ipv4: BinaryHeader = { family: 0x11, addresses: Buffer.from('cb007107c00002011267' + '01bb', 'hex') }

export const ipv6: BinaryHeader = {
  family: 0x21,
  addresses: Buffer.from(`20010db8${'0'.repeat(23)}1${'0'.repeat(31)}1126701bb`, 'hex'),
}

export function binaryHeader({ command = 0x21, family, addresses, more, length }: BinaryHeader): Buffer {
  const body = Buffer.concat([addresses, more ?? Buffer.alloc(0)])
  const fixed = Buffer.from('\r\n\r\n\0\r\nQUIT\n\0\0\0\0', 'latin1')
  fixed[12] = command
  fixed[13] = family
  fixed.writeUInt16BE(length ?? body.length, 14)
  return Buffer.concat([fixed, body])
}
