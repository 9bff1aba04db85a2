/** The one place that uses acme-client: an account at an ACME server (RFC 8555), and the requests that it allows. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { generateKeyPair } from 'node:crypto'
import { isIP } from 'node:net'
import { promisify } from 'node:util'
import type { Authorization, Client, Order } from 'acme-client'
import type { CertificateKeyType } from '../../plan/model/certificates.ts'
import type { AcmeTransport } from './acme-transport.ts'

export interface AcmeAccount {
  /** PEM (PKCS#8); a secret. */
  readonly key: string
  /** Absent: not registered yet. */
  readonly url?: string
}

export interface AcmeOptions {
  /** URL of the directory. */
  readonly directory: string
  readonly transport: AcmeTransport
  readonly account: AcmeAccount
  /** For the expiry mails of CAs that still send them. */
  readonly email?: string
  /** `hmac`: base64url; a secret. */
  readonly externalAccount?: { readonly keyId: string; readonly hmac: string }
}

export type ChallengeType = 'http-01' | 'tls-alpn-01' | 'dns-01'

export interface AcmeChallenge {
  readonly type: ChallengeType
  readonly token: string
  /** The key authorization as http-01 serves it; for dns-01 its digest (RFC 8555 §8.4). */
  readonly proof: string
  /** tls-alpn-01 only: the certificate to serve (RFC 8737), PEM with its key. */
  readonly pair?: { readonly certificate: string; readonly key: string }
}

/** An authorization for a name, with the challenges that the server offers. */
export interface AcmeAuthorization {
  readonly name: string
  readonly wildcard: boolean
  readonly status: string
  /** The server's message about its last failed challenge. */
  readonly failure?: string
  readonly offers: readonly ChallengeType[]
  challenge(type: ChallengeType): Promise<AcmeChallenge>
  /** Asks the server to validate. */
  begin(type: ChallengeType): Promise<void>
}

export interface AcmeOrder {
  readonly url: string
  readonly status: string
  /** The server's reason why it is invalid. */
  readonly failure?: string
}

export interface OrderRequest {
  readonly names: readonly string[]
  readonly profile?: string
  /** The identifier of the certificate that it replaces (RFC 9773 §5). */
  readonly replaces?: string
}

/** Everything rejects with `AcmeFailure`, or with an `Error` for an invalid answer. */
export interface AcmeSession {
  /** URL of the account. */
  readonly account: string
  order(request: OrderRequest): Promise<AcmeOrder>
  look(url: string): Promise<AcmeOrder>
  authorizations(url: string): Promise<readonly AcmeAuthorization[]>
  /** Sends a signing request for these names with this key (PEM). */
  finalize(url: string, names: readonly string[], key: string): Promise<AcmeOrder>
  /** The chain in PEM, leaf first. `preferredChain`: common name of the root, if the server has such a chain. */
  certificate(url: string, preferredChain?: string): Promise<string>
  /** Revokes as superseded (RFC 8555 §7.6). */
  revoke(certificate: string): Promise<void>
}

/** Parts of acme-client that its types do not have. */
interface Internals {
  readonly http: { maxBadNonceRetries: number }
}
interface AxiosRequest {
  readonly url: string
  readonly method: string
  readonly headers: { toJSON(): Record<string, string> }
  readonly data?: string
}

/** acme-client sends everything through one object of its module; the call's context has the transport to use. */
const transports = new AsyncLocalStorage<AcmeTransport>()

/** Even if the server refuses every second nonce, as Pebble can, only one request in 10¹² fails. */
const nonceAttempts = 40
/** RFC 5280 §5.3.1. */
const superseded = 4

/**
 * Registers the account if it has no URL yet. If the server does not know the account it rejects with the problem
 * `accountDoesNotExist`: open it again without its URL.
 */
export async function openAcme(options: AcmeOptions): Promise<AcmeSession> {
  const acme = await loadAcme()
  const { directory, account, externalAccount, email } = options
  const client = new acme.Client({
    directoryUrl: directory,
    accountKey: account.key,
    ...(account.url && { accountUrl: account.url }),
    ...(externalAccount && { externalAccountBinding: { kid: externalAccount.keyId, hmacKey: externalAccount.hmac } }),
  })
  ;(client as unknown as Internals).http.maxBadNonceRetries = nonceAttempts
  const ask: Ask = (work) => transports.run(options.transport, work)
  const registration = { termsOfServiceAgreed: true, ...(email && { contact: [`mailto:${email}`] }) }
  await ask(() => (account.url ? client.updateAccount() : client.createAccount(registration)))

  const toOrder = ({ url, status, ...rest }: Order): AcmeOrder => {
    const { detail } = (rest as { error?: { detail?: string } }).error ?? {}
    return { url, status, ...(detail !== undefined && { failure: detail }) }
  }
  const look = (url: string) => ask(() => client.getOrder({ url } as Order))
  return {
    account: client.getAccountUrl(),
    async order({ names, profile, replaces }) {
      const identifiers = names.map((name) => ({ type: typeOf(name), value: name }))
      const request = { identifiers, ...(profile && { profile }), ...(replaces && { replaces }) }
      return toOrder(await ask(() => client.createOrder(request)))
    },
    look: async (url) => toOrder(await look(url)),
    async authorizations(url) {
      const order = await look(url)
      const all = await ask(() => client.getAuthorizations(order))
      return all.map((one) => toAuthorization(one, { client, ask, acme }))
    },
    async finalize(url, names, key) {
      const order = await look(url)
      const [, request] = await acme.crypto.createCsr({ altNames: [...names] }, key)
      return toOrder(await ask(() => client.finalizeOrder(order, request)))
    },
    async certificate(url, preferredChain) {
      const order = await look(url)
      return ask(() => client.getCertificate(order, preferredChain))
    },
    revoke: (certificate) => ask(() => client.revokeCertificate(certificate, { reason: superseded })),
  }
}

type Ask = <T>(work: () => Promise<T>) => Promise<T>

interface Resources {
  readonly client: Client
  readonly ask: Ask
  readonly acme: typeof import('acme-client')
}

function toAuthorization(one: Authorization, { client, ask, acme }: Resources): AcmeAuthorization {
  const found = (type: ChallengeType) => {
    const challenge = one.challenges.find((offered) => offered.type === type)
    if (!challenge) throw new Error(`the ACME server offers no ${type} for ${one.identifier.value}`)
    return challenge
  }
  const errors = one.challenges.flatMap((offered) => (offered as { error?: { detail?: string } }).error?.detail ?? [])
  return {
    name: one.identifier.value,
    wildcard: one.wildcard === true,
    status: one.status,
    ...(errors[0] !== undefined && { failure: errors[0] }),
    offers: one.challenges.map(({ type }) => type as ChallengeType),
    async challenge(type) {
      const challenge = found(type)
      const proof = await client.getChallengeKeyAuthorization(challenge)
      if (type !== 'tls-alpn-01') return { type, token: challenge.token, proof }
      const [key, certificate] = await acme.crypto.createAlpnCertificate(one, proof, await newAcmeKey())
      return { type, token: challenge.token, proof, pair: { certificate: String(certificate), key: String(key) } }
    },
    begin: async (type) => void (await ask(() => client.completeChallenge(found(type)))),
  }
}

const makeKeyPair = promisify(generateKeyPair)

/** A new private key for an account or a certificate: PEM (PKCS#8). */
export async function newAcmeKey(type: CertificateKeyType = 'ecdsa-p256'): Promise<string> {
  const privateKeyEncoding = { type: 'pkcs8', format: 'pem' } as const
  const publicKeyEncoding = { type: 'spki', format: 'pem' } as const
  const [algorithm, size] = type.split('-') as ['ecdsa' | 'rsa', string]
  const encodings = { privateKeyEncoding, publicKeyEncoding }
  const { privateKey } =
    algorithm === 'rsa'
      ? await makeKeyPair('rsa', { modulusLength: Number(size), ...encodings })
      : await makeKeyPair('ec', { namedCurve: size.replace('p', 'P-'), ...encodings })
  return privateKey
}

/** Loaded on first use: it is large, and most deployments bring their own certificates. */
async function loadAcme(): Promise<typeof import('acme-client')> {
  const acme = (await import('acme-client')).default
  const { defaults } = acme.axios as unknown as { defaults: { adapter: unknown } }
  defaults.adapter = adapter
  return acme
}

/** Sends axios's requests through the transport of the call's context. */
async function adapter(config: AxiosRequest): Promise<unknown> {
  const transport = transports.getStore()
  if (!transport) throw new Error('acme-client was called without a transport')
  const { url, method, headers, data } = config
  const wanted = {
    url,
    method: method.toUpperCase(),
    headers: headers.toJSON(),
    ...(data !== undefined && { body: data }),
  }
  const { status, headers: answered, body } = await transport(wanted)
  return { status, statusText: '', headers: answered, data: body, config, request: null }
}

/** RFC 8555 §9.7.7, RFC 8738. */
function typeOf(name: string): 'dns' | 'ip' {
  return isIP(name) === 0 ? 'dns' : 'ip'
}
