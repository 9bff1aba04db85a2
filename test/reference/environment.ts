/**
 * The rows of the environment that every config file of the reference deployment has, its own programs or not (routes.ts says
 * how to pass one): what docker.env holds counts as if the container had been given it.
 */
import { describe, expect, it } from 'vitest'
import { makeCertificate } from '../certificates/make-certificate.ts'
import { ask } from './asking.ts'
import { type Deployment, testSite } from './site.ts'

/** Registers the tests; to be called inside a `describe`. */
export function environmentTests(deployment: Deployment): void {
  const site = testSite(deployment)

  describe('its environment', () => {
    it('has the variables of docker.env, with the quotes of its settings page; those of the container win, unless they are empty', async () => {
      const { http } = await site.start({
        APPSMITH_NAME: 'of the container',
        APPSMITH_UNSET: '',
        GATEHOUSE_STACKS: site.volume({
          // How the product writes an apostrophe for the shell that reads the file today.
          'configuration/docker.env': `APPSMITH_NAME='of the file'\nAPPSMITH_UNSET='it'"'"'s "there"'\nOTHER=secret\n`,
        }),
      })
      expect((await ask(http, '/')).body).toMatch(/^<title>of the container\|it&#39;s &#34;there&#34;\|<\/title>/)
    })

    it('a domain may stand in docker.env', async () => {
      const domain = 'app.example'
      const { certificate, key } = makeCertificate({ names: [domain] })
      const { http, https } = await site.start({
        GATEHOUSE_STACKS: site.volume({
          'configuration/docker.env': `APPSMITH_CUSTOM_DOMAIN=${domain}\nAPPSMITH_ALLOWED_FRAME_ANCESTORS='*'\n`,
          'ssl/fullchain.pem': certificate,
          'ssl/privkey.pem': key,
        }),
      })
      expect((await ask(http, '/', { host: domain })).status).toBe(302)
      const page = await ask(https, '/', { host: domain, ca: certificate })
      expect(page.headers['content-security-policy']).toBe('frame-ancestors *')
    })
  })
}
