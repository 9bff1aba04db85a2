/** The settings of the other side of a connection (RFC 9113 §6.5.2). */
import type { Bytes } from '../../shared/bytes.ts'
import { ConnectionError } from './error-codes.ts'
import { initialWindow, maxFrameSize, maxWindow, settingIds } from './frames.ts'

/** Nine are defined. */
const maxEntries = 16
const entryLength: Bytes = 6

export class PeerSettings {
  maxConcurrentStreams = Number.POSITIVE_INFINITY
  initialWindowSize: Bytes = initialWindow
  /** What it takes of a head. */
  maxHeaderListSize = Number.POSITIVE_INFINITY
  /** Whether its limit of the dynamic table has come, which must be answered by a change of that table. */
  limitsTable = false

  readonly #maxPush: 0 | 1

  /** `of`: only clients may enable push. */
  constructor(of: 'client' | 'server') {
    this.#maxPush = of === 'client' ? 1 : 0
  }

  /** Takes the payload of a SETTINGS frame. Throws a ConnectionError. */
  apply(payload: Buffer): void {
    if (payload.length % entryLength !== 0) throw new ConnectionError('FRAME_SIZE_ERROR', 'incomplete SETTINGS')
    if (payload.length > maxEntries * entryLength) throw new ConnectionError('ENHANCE_YOUR_CALM', 'too many SETTINGS')
    for (let at = 0; at < payload.length; at += entryLength)
      this.#set(payload.readUInt16BE(at), payload.readUInt32BE(at + 2))
  }

  #set(id: number, value: number): void {
    switch (id) {
      case settingIds.headerTableSize:
        this.limitsTable = true
        break
      case settingIds.enablePush:
        if (value > this.#maxPush) throw new ConnectionError('PROTOCOL_ERROR', `push of ${value}`)
        break
      case settingIds.maxConcurrentStreams:
        this.maxConcurrentStreams = value
        break
      case settingIds.initialWindowSize:
        if (value > maxWindow) throw new ConnectionError('FLOW_CONTROL_ERROR', `an initial window of ${value} bytes`)
        this.initialWindowSize = value
        break
      case settingIds.maxFrameSize:
        if (value < maxFrameSize || value >= 2 ** 24)
          throw new ConnectionError('PROTOCOL_ERROR', `frames of ${value} bytes`)
        break
      case settingIds.maxHeaderListSize:
        this.maxHeaderListSize = value
        break
    }
  }
}
