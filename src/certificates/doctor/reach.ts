/** Can the CA connect: are the ports open, and does this Gatehouse answer there? */
import { connect as dial, isIP } from 'node:net'
import { connect as dialTls } from 'node:tls'
import { codeOf } from '../../shared/errors.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'
import { addressesOf } from './addresses.ts'
import { bad, type Check, type CheckContext, type Finding, forEachName, good, unknown } from './check.ts'

const patience: Milliseconds = 3_000

export const checkHttpPort: Check = (context) =>
  forEachName(context, async (name) => {
    const { http } = context.ports
    const needed = context.acme?.plan.challenges.includes('http-01') === true
    return eachAddress(context, name, async (address) => {
      const problem = await dialled(address, http)
      if (problem === undefined) return good(`port ${http} of ${name} (${address}) is open`)
      return closed(`port ${http} of ${name} (${address}) cannot be reached from here: ${problem}`, needed && 'http-01')
    })
  })

export const checkHttpsPort: Check = (context) =>
  forEachName(context, async (name) => {
    const { https } = context.ports
    const needed = context.acme?.plan.challenges.includes('tls-alpn-01') === true
    return eachAddress(context, name, async (address) => {
      const where = `port ${https} of ${name} (${address})`
      const shown = await shownBy(address, https, name)
      if ('problem' in shown)
        return closed(`${where} cannot be reached from here: ${shown.problem}`, needed && 'tls-alpn-01')
      return compare(where, shown.fingerprint, await ownFingerprints(context, name))
    })
  })

async function eachAddress(
  { names }: CheckContext,
  name: string,
  look: (address: string) => Promise<Finding>,
): Promise<readonly Finding[]> {
  if (name.startsWith('*.')) return []
  // checkAddresses reports a DNS that does not answer.
  const addresses = await addressesOf(name, names).catch(() => [])
  return Promise.all(addresses.map(look))
}

/**
 * `needed`: the challenge that uses this port. Networks without hairpin NAT, from which their own public address is
 * unreachable, are common.
 */
function closed(words: string, needed: string | false): Finding {
  const hint = 'open it in the firewall, publish it from the container, and listen on it'
  if (!needed) return unknown(words, hint)
  return bad(words, `${hint}: ${needed} needs it; if it works from outside, only this network lacks hairpin NAT`)
}

function compare(where: string, fingerprint: string, ours: readonly string[]): Finding {
  if (ours.length === 0)
    return unknown(`${where} is open; no gatehouse runs here whose certificate it could be compared with`)
  if (ours.includes(fingerprint)) return good(`${where} is this gatehouse: it shows our certificate`)
  return bad(
    `${where} is open, but shows a different certificate`,
    'something else answers there: a load balancer or CDN that terminates TLS, an old server, or a replica with its own storage',
  )
}

async function ownFingerprints({ running }: CheckContext, name: string): Promise<readonly string[]> {
  const own = (running?.listeners ?? []).map((address) => URL.parse(`tcp://${address}`)).filter((url) => url !== null)
  const shown = await Promise.all(
    own.map(({ hostname, port }) => shownBy(hostname.replaceAll(/[[\]]/g, ''), Number(port), name)),
  )
  return shown.flatMap((one) => ('fingerprint' in one ? [one.fingerprint] : []))
}

/** Why the port cannot be reached; undefined if it can. */
function dialled(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = dial({ host, port, timeout: patience })
    const end = (problem?: string) => {
      socket.destroy()
      resolve(problem)
    }
    socket.once('connect', () => end())
    socket.once('timeout', () => end('no answer'))
    socket.once('error', (error) => end(codeOf(error)))
  })
}

function shownBy(
  host: string,
  port: number,
  name: string,
): Promise<{ readonly fingerprint: string } | { readonly problem: string }> {
  return new Promise((resolve) => {
    // Not verified: nothing is sent, and the certificate is what we want to see.
    const socket = dialTls({
      host,
      port,
      timeout: patience,
      rejectUnauthorized: false,
      ...(isIP(name) === 0 && { servername: name }),
    })
    const end = (result: { fingerprint: string } | { problem: string }) => {
      socket.destroy()
      resolve(result)
    }
    socket.once('secureConnect', () => {
      const fingerprint = socket.getPeerX509Certificate()?.fingerprint256
      end(fingerprint === undefined ? { problem: 'no certificate was shown' } : { fingerprint })
    })
    socket.once('timeout', () => end({ problem: 'no answer' }))
    socket.once('error', (error) => end({ problem: codeOf(error) }))
  })
}
