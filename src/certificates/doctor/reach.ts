/** Can the CA come in: are the ports open, and is it us who answers there? */
import { connect as dial, isIP } from 'node:net'
import { connect as dialTls } from 'node:tls'
import { codeOf } from '../../shared/errors.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'
import { addressesOf } from './addresses.ts'
import { bad, type Check, type Finding, forEachName, good, type Patient, unknown } from './check.ts'

const patience: Milliseconds = 3_000

export const checkHttpPort: Check = (patient) =>
  forEachName(patient, async (name) => {
    const { http } = patient.ports
    const needed = patient.acme?.plan.challenges.includes('http-01') === true
    return eachAddress(patient, name, async (address) => {
      const problem = await dialled(address, http)
      if (problem === undefined) return good(`port ${http} of ${name} (${address}) is open`)
      return closed(`port ${http} of ${name} (${address}) cannot be reached from here: ${problem}`, needed && 'http-01')
    })
  })

export const checkHttpsPort: Check = (patient) =>
  forEachName(patient, async (name) => {
    const { https } = patient.ports
    const needed = patient.acme?.plan.challenges.includes('tls-alpn-01') === true
    return eachAddress(patient, name, async (address) => {
      const where = `port ${https} of ${name} (${address})`
      const shown = await shownBy(address, https, name)
      if ('problem' in shown)
        return closed(`${where} cannot be reached from here: ${shown.problem}`, needed && 'tls-alpn-01')
      return whose(where, shown.fingerprint, await ownFingerprints(patient, name))
    })
  })

async function eachAddress(
  { names }: Patient,
  name: string,
  look: (address: string) => Promise<Finding>,
): Promise<readonly Finding[]> {
  if (name.startsWith('*.')) return []
  // Whether the DNS answers is another check's business.
  const addresses = await addressesOf(name, names).catch(() => [])
  return Promise.all(addresses.map(look))
}

/** `needed`: the challenge that comes in by this port. A network that does not let its own way back in (hairpin) is common. */
function closed(words: string, needed: string | false): Finding {
  const hint = 'open it in the firewall, publish it from the container, and listen on it'
  if (!needed) return unknown(words, hint)
  return bad(words, `${hint}: ${needed} needs it; if it works from elsewhere, only this network's way back is shut`)
}

function whose(where: string, fingerprint: string, ours: readonly string[]): Finding {
  if (ours.length === 0)
    return unknown(
      `${where} is open; whether it is us cannot be told, as no gatehouse that runs here shows a certificate`,
    )
  if (ours.includes(fingerprint)) return good(`${where} is us: it shows our certificate`)
  return bad(
    `${where} is open, but shows another certificate than ours`,
    'something else answers there: a balancer or CDN that ends TLS itself, an old server, or another replica with storage of its own',
  )
}

async function ownFingerprints({ running }: Patient, name: string): Promise<readonly string[]> {
  const doors = (running?.doors ?? []).map((door) => URL.parse(`tcp://${door}`)).filter((url) => url !== null)
  const shown = await Promise.all(
    doors.map(({ hostname, port }) => shownBy(hostname.replaceAll(/[[\]]/g, ''), Number(port), name)),
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
    // Not verified: nothing is sent, and which certificate it is, is the question.
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
