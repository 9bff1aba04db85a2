/** gRPC through the gateway: clients over TLS, servers over h2c, both of @grpc/grpc-js. */
import { once } from 'node:events'
import {
  Metadata,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js'
import { afterEach, describe, expect, it } from 'vitest'
import { cleanUp, type PlanOptions, proxyTo, type RunningGateway, startGateway } from '../../support.ts'
import { askUnary, type EchoClient, grpcClient, grpcServer, statusOf } from './grpc-service.ts'

afterEach(cleanUp)

type Unary = ServerUnaryCall<Buffer, Buffer>
type Talk = ServerDuplexStream<Buffer, Buffer>

interface Site {
  readonly gateway: RunningGateway
  readonly client: EchoClient
}

async function site(implementation: UntypedServiceImplementation, wish: Partial<PlanOptions> = {}): Promise<Site> {
  const port = await grpcServer(implementation)
  const gateway = await startGateway({ routes: [proxyTo(0, { origin: `h2c://127.0.0.1:${port}` })], ...wish })
  return { gateway, client: grpcClient(gateway.https) }
}

function metadataOf(fields: Readonly<Record<string, string | Buffer>>): Metadata {
  const metadata = new Metadata()
  for (const [name, value] of Object.entries(fields)) metadata.add(name, value)
  return metadata
}

const binary = Buffer.from([0, 1, 127, 128, 255, 10, 13])

describe('a unary call', () => {
  it('takes metadata there and back, as text and binary, before the answer and after it', async () => {
    let seen: Metadata | undefined
    const { client, gateway } = await site({
      unary(call: Unary, done: sendUnaryData<Buffer>) {
        seen = call.metadata
        call.sendMetadata(metadataOf({ 'initial-text': 'i', 'initial-bin': binary }))
        done(null, call.request, metadataOf({ 'trailing-text': 't', 'trailing-bin': binary }))
      },
    })
    const metadata = metadataOf({ 'client-name': 'test', 'client-bin': binary })
    const outcome = await askUnary(client, 'hello', { metadata })
    expect(outcome).toMatchObject({ code: status.OK, answer: 'hello' })
    expect(seen?.get('client-name')).toEqual(['test'])
    expect(seen?.get('client-bin')).toEqual([binary])
    expect(outcome.initial?.get('initial-text')).toEqual(['i'])
    expect(outcome.initial?.get('initial-bin')).toEqual([binary])
    expect(outcome.metadata.get('trailing-text')).toEqual(['t'])
    expect(outcome.metadata.get('trailing-bin')).toEqual([binary])
    expect(await gateway.waitForRecord(() => true)).toMatchObject({
      method: 'POST',
      path: '/test.Echo/unary',
      status: 200,
    })
  })

  it.each(['before its head (Trailers-Only)', 'after its head'])(
    'that fails %s has its status, message and metadata',
    async (when) => {
      const { client } = await site({
        unary(call: Unary, done: sendUnaryData<Buffer>) {
          if (when === 'after its head') call.sendMetadata(metadataOf({ 'initial-text': 'i' }))
          done({ code: status.NOT_FOUND, details: 'no “entry” 100 %', metadata: metadataOf({ 'reason-bin': binary }) })
        },
      })
      const outcome = await askUnary(client, 'x')
      expect(outcome).toMatchObject({ code: status.NOT_FOUND, details: 'no “entry” 100 %' })
      expect(outcome.metadata.get('reason-bin')).toEqual([binary])
      // Clients tell a call that failed before its head by that, and may repeat it.
      expect(outcome.initial !== undefined).toBe(when === 'after its head')
    },
  )

  it('carries messages of 4 MB both ways', async () => {
    const { client } = await site({ unary: (call: Unary, done: sendUnaryData<Buffer>) => done(null, call.request) })
    const message = Buffer.alloc(4_194_304, 'abcdefg')
    const outcome = await askUnary(client, message)
    expect(outcome.code).toBe(status.OK)
    expect(outcome.answer === message.toString()).toBe(true)
  })

  it('whose deadline passes is cancelled at the server', async () => {
    let cancelled: () => void = () => {}
    const atServer = new Promise<void>((resolve) => {
      cancelled = resolve
    })
    let timeout: string | undefined
    const { client, gateway } = await site({
      unary(call: Unary) {
        call.on('cancelled', cancelled)
        timeout = String(call.getDeadline())
      },
    })
    const outcome = await askUnary(client, 'x', { options: { deadline: Date.now() + 200 } })
    expect(outcome.code).toBe(status.DEADLINE_EXCEEDED)
    await atServer
    expect(timeout).not.toBe('Infinity')
    expect(await gateway.waitForRecord(() => true)).toMatchObject({ status: 499 })
  })

  it('of many at a time each gets its own answer, on one connection', async () => {
    const { client } = await site({ unary: (call: Unary, done: sendUnaryData<Buffer>) => done(null, call.request) })
    const words = Array.from({ length: 60 }, (_, index) => `word ${index}`)
    const outcomes = await Promise.all(words.map((word) => askUnary(client, word)))
    expect(outcomes.map(({ answer }) => answer)).toEqual(words)
  })
})

describe('a call that streams', () => {
  it('from the client is answered once', async () => {
    const { client } = await site({
      upload(call: ServerReadableStream<Buffer, Buffer>, done: sendUnaryData<Buffer>) {
        const received: Buffer[] = []
        call.on('data', (message: Buffer) => received.push(message))
        call.on('end', () => done(null, Buffer.concat(received)))
      },
    })
    const answer = await new Promise((resolve, reject) => {
      const call = client.upload(new Metadata(), {}, (error, value) =>
        error ? reject(error) : resolve(value?.toString()),
      )
      for (const word of ['a', 'b', 'c']) call.write(Buffer.from(word))
      call.end()
    })
    expect(answer).toBe('abc')
  })

  it('from the client may be answered before it ends', async () => {
    const { client } = await site({
      upload(call: ServerReadableStream<Buffer, Buffer>, done: sendUnaryData<Buffer>) {
        call.once('data', () => done({ code: status.RESOURCE_EXHAUSTED, details: 'enough' }))
      },
    })
    const error = await new Promise<unknown>((resolve) => {
      const call = client.upload(new Metadata(), {}, resolve)
      call.on('error', () => {})
      call.write(Buffer.from('first'))
    })
    expect(error).toMatchObject({ code: status.RESOURCE_EXHAUSTED, details: 'enough' })
  })

  it('from the server arrives message by message, with its status at the end', async () => {
    const { client } = await site({
      download(call: ServerWritableStream<Buffer, Buffer>) {
        for (const word of ['a', 'b', 'c']) call.write(Buffer.from(call.request + word))
        call.emit('error', { code: status.ABORTED, details: 'broken off' })
      },
    })
    const call = client.download(Buffer.from('>'), new Metadata(), {})
    const ended = statusOf(call)
    const received: string[] = []
    call.on('data', (message: Buffer) => received.push(message.toString()))
    expect(await ended).toMatchObject({ code: status.ABORTED, details: 'broken off' })
    expect(received).toEqual(['>a', '>b', '>c'])
  })

  it('both ways is full duplex: each answer comes before the next question', async () => {
    const { client } = await site({
      talk(call: Talk) {
        call.on('data', (message: Buffer) => call.write(Buffer.from(`re: ${message}`)))
        call.on('end', () => call.end())
      },
    })
    const call = client.talk(new Metadata(), {})
    const ended = statusOf(call)
    for (const question of ['one', 'two', 'three']) {
      const answered = once(call, 'data')
      call.write(Buffer.from(question))
      expect(String((await answered)[0])).toBe(`re: ${question}`)
    }
    call.end()
    call.resume()
    expect(await ended).toMatchObject({ code: status.OK })
  })

  it('may be begun by the server, before the client has sent anything', async () => {
    const { client } = await site({
      talk(call: Talk) {
        call.write(Buffer.from('welcome'))
        call.on('data', () => call.end())
      },
    })
    const call = client.talk(new Metadata(), {})
    const ended = statusOf(call)
    expect(String((await once(call, 'data'))[0])).toBe('welcome')
    call.resume()
    call.write(Buffer.from('bye'))
    expect(await ended).toMatchObject({ code: status.OK })
  })

  it('is cancelled at the server when its client cancels it', async () => {
    let began: () => void = () => {}
    let cancelled: () => void = () => {}
    const begun = new Promise<void>((resolve) => {
      began = resolve
    })
    const atServer = new Promise<void>((resolve) => {
      cancelled = resolve
    })
    const { client } = await site({
      talk(call: Talk) {
        call.on('cancelled', cancelled)
        call.on('error', () => {})
        call.on('data', began)
      },
    })
    const call = client.talk(new Metadata(), {})
    const ended = statusOf(call)
    call.write(Buffer.from('x'))
    await begun
    call.cancel()
    expect(await ended).toMatchObject({ code: status.CANCELLED })
    await atServer
  })

  it('is cut at the client when its server goes away', async () => {
    const { client, gateway } = await site({
      talk(call: Talk) {
        call.write(Buffer.from('last words'))
        call.on('error', () => {})
        call.on('data', () =>
          (call as unknown as { call: { stream: { session: { destroy(): void } } } }).call.stream.session.destroy(),
        )
      },
    })
    const call = client.talk(new Metadata(), {})
    const ended = statusOf(call)
    expect(String((await once(call, 'data'))[0])).toBe('last words')
    call.write(Buffer.from('x'))
    expect((await ended).code).not.toBe(status.OK)
    expect((await gateway.waitForRecord(() => true)).error).toMatch(/^upstream: /)
  })
})
