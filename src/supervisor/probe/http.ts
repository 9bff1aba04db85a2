import { request as requestHttp } from 'node:http'
import { messageOf } from '../../shared/errors.ts'
import { readToEnd } from '../../shared/net/read-to-end.ts'
import { failedOrNotTried } from '../../shared/system/local-fault.ts'
import { onDemand } from '../../shared/system/on-demand.ts'
import type { Attempt } from './attempt.ts'

/**
 * Passes at a status from 200 to 399; redirects are not followed. Each attempt opens a new connection, so that the
 * answer is that of the program that listens now. The certificate is not verified: the probe sends no secret, and a
 * program behind us seldom has a certificate for the address on which we dial it. `name`: the URL as it may be logged.
 */
export function httpAttempt(url: string, name = url): Attempt {
  const request = url.startsWith('https:') ? onDemand.https().request : requestHttp
  const options = { agent: false, rejectUnauthorized: false, headers: { 'user-agent': 'gatehouse-probe' } }
  return (signal) =>
    new Promise((resolve) => {
      const sent = request(url, { ...options, signal }, (response) => {
        const { statusCode: status = 0 } = response
        readToEnd(response)
        resolve(status >= 200 && status <= 399 ? undefined : `${name} answered ${status}`)
      })
      sent.on('error', (error) => resolve(failedOrNotTried(error, `${name}: ${messageOf(error)}`)))
      // An unexpected upgrade, for example, closes the connection without an error.
      sent.on('close', () => resolve(`${name} closed the connection without an answer`))
      sent.end()
    })
}
