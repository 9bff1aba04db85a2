/** config/sidecar.yaml as it is shipped, in front of the site's upstreams. */
import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { projectFolder, startGatehouse } from '../e2e/support/gatehouse.ts'
import { type Deployment, orStopped, portsFor } from './site.ts'

export const sidecarFile = join(projectFolder, 'config/sidecar.yaml')

export const sidecar: Deployment = {
  async start(site, env) {
    const [http, https] = await portsFor(env)
    const state = mkdtempSync(join(site.folder, 'state-'))
    const gatehouse = startGatehouse({
      file: sidecarFile,
      env: {
        ...site.environment(),
        PORT: String(http),
        GATEHOUSE_HTTPS_PORT: String(https),
        // There is no load balancer that has to notice that we leave.
        GATEHOUSE_DEREGISTRATION_DELAY: '0s',
        GATEHOUSE_STORAGE: state,
        GATEHOUSE_SOCKET: join(state, 'control.sock'),
        GATEHOUSE_BACKEND_URL: site.upstreams.backend,
        GATEHOUSE_RTS_URL: site.upstreams.rts,
        GATEHOUSE_MCP_URL: site.upstreams.mcp,
        GATEHOUSE_KEYCLOAK_URL: site.upstreams.keycloak,
        GATEHOUSE_SUPERVISOR_URL: site.upstreams.supervisor,
        ...env,
      },
    })
    await orStopped(gatehouse, gatehouse.waitFor({ message: 'listening', listener: 'http' }))
    return { gatehouse, http, https }
  },
  withoutKeycloak: { GATEHOUSE_KEYCLOAK_URL: '' },
  supervisor: 'upstream',
}
