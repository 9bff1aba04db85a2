/** A gRPC service of @grpc/grpc-js, defined by hand: messages are bytes, and each kind of call exists once. */
import {
  type CallOptions,
  type Client,
  type ClientDuplexStream,
  type ClientOptions,
  type ClientReadableStream,
  type ClientUnaryCall,
  type ClientWritableStream,
  credentials,
  Metadata,
  type MethodDefinition,
  makeClientConstructor,
  Server,
  ServerCredentials,
  type ServiceDefinition,
  type ServiceError,
  type StatusObject,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js'
import { ca, host, whenOver } from '../../support.ts'

const identity = (bytes: Buffer) => bytes

function method(name: string, requestStream: boolean, responseStream: boolean): MethodDefinition<Buffer, Buffer> {
  return {
    path: `/test.Echo/${name}`,
    requestStream,
    responseStream,
    requestSerialize: identity,
    requestDeserialize: identity,
    responseSerialize: identity,
    responseDeserialize: identity,
  }
}

export const echo = {
  unary: method('unary', false, false),
  upload: method('upload', true, false),
  download: method('download', false, true),
  talk: method('talk', true, true),
} satisfies ServiceDefinition

/** Starts a server without TLS; returns its port. */
export async function grpcServer(implementation: UntypedServiceImplementation, options = {}): Promise<number> {
  const server = new Server({ 'grpc.max_receive_message_length': -1, ...options })
  server.addService(Object.fromEntries(Object.entries(echo).filter(([name]) => name in implementation)), implementation)
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    )
  })
  whenOver(() => server.forceShutdown())
  return port
}

type Done = (error: ServiceError | null, answer?: Buffer) => void

/** What `makeClientConstructor` makes of `echo`. */
export interface EchoClient extends Client {
  unary(message: Buffer, metadata: Metadata, options: CallOptions, done: Done): ClientUnaryCall
  upload(metadata: Metadata, options: CallOptions, done: Done): ClientWritableStream<Buffer>
  download(message: Buffer, metadata: Metadata, options: CallOptions): ClientReadableStream<Buffer>
  talk(metadata: Metadata, options: CallOptions): ClientDuplexStream<Buffer, Buffer>
}

/** A client with a connection of its own to the gateway, over TLS; `trusted`: the server's name, and who vouches for it. */
export function grpcClient(port: number, options: ClientOptions = {}, trusted = { ca, host }): EchoClient {
  const Constructor = makeClientConstructor(echo, 'Echo')
  const client = new Constructor(`127.0.0.1:${port}`, credentials.createSsl(Buffer.from(trusted.ca)), {
    'grpc.ssl_target_name_override': trusted.host,
    'grpc.default_authority': trusted.host,
    'grpc.max_receive_message_length': -1,
    'grpc.use_local_subchannel_pool': 1,
    'grpc.enable_retries': 0,
    ...options,
  })
  whenOver(() => client.close())
  return client as unknown as EchoClient
}

/** How a call ended: with an answer, or a status other than OK. */
export interface Outcome {
  readonly answer?: string
  readonly code: number
  readonly details: string
  /** Trailing metadata. */
  readonly metadata: Metadata
  readonly initial: Metadata | undefined
}

export interface Asking {
  readonly metadata?: Metadata
  readonly options?: CallOptions
}

export function askUnary(
  client: EchoClient,
  message: string | Buffer,
  { metadata = new Metadata(), options = {} }: Asking = {},
): Promise<Outcome> {
  return new Promise((resolve) => {
    let answer: Buffer | undefined
    let initial: Metadata | undefined
    const call = client.unary(Buffer.from(message), metadata, options, (_error, value) => {
      answer = value
    })
    call.on('metadata', (received: Metadata) => {
      initial = received
    })
    call.on('status', ({ code, details, metadata: trailing }) =>
      // The callback follows the status.
      setImmediate(() =>
        resolve({ ...(answer && { answer: answer.toString() }), code, details, metadata: trailing, initial }),
      ),
    )
  })
}

/** The status of a call that streams. */
export function statusOf(
  call: ClientReadableStream<Buffer> | ClientDuplexStream<Buffer, Buffer>,
): Promise<StatusObject> {
  call.on('error', () => {}) // the status tells the same
  return new Promise((resolve) => call.on('status', resolve))
}
