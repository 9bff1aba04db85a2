import { type BodySource, Http1Request, type ReadHead } from '../http1/request.ts'
import type { Http2Stream } from './stream.ts'

/** A request over HTTP/2; it differs from one over HTTP/1 by the stream that it has. */
export class Http2Request extends Http1Request {
  readonly stream: Http2Stream

  constructor(head: ReadHead, source: BodySource, stream: Http2Stream) {
    super(head, source)
    this.stream = stream
  }
}
