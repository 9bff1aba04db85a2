/**
 * A Caddyfile of the deployment, as its start-up script leaves it, imported and started in front of the site's upstreams.
 * What the script does beside Caddy stays its own: it renders the pages, and cuts what may frame them.
 */
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { importFiles } from '../../src/import/import-files.ts'
import { yamlText } from '../../src/import/yaml-text.ts'
import { startGatehouse } from '../e2e/support/gatehouse.ts'
import { type Deployment, portsFor, type Variables } from './site.ts'

export const fixture = join(import.meta.dirname, '../fixtures/import/Caddyfile')

export const imported: Deployment = {
  async start(site, env) {
    const [http, https] = await portsFor(env)
    const state = mkdtempSync(join(site.folder, 'state-'))
    const environment = { ...site.environment(), ...env }
    const { config, comments } = importFiles(
      [{ file: fixture, text: asTheScriptWritesIt(environment), kind: 'caddyfile' }],
      {
        readFile: () => undefined,
        glob: () => [],
        environment,
      },
    )
    const gatehouse = startGatehouse({
      config: yamlText(
        { version: 1, ...config, control: { socket: './control.sock' }, storage: './storage' },
        comments,
        [],
      ),
      env: {
        ...environment,
        ...scriptVariables(environment),
        PORT: String(http),
        GATEHOUSE_HTTPS_PORT: String(https),
        INFO_FOLDER: site.folder,
        ...pages(state, environment),
        BACKEND: hostOf(site.upstreams.backend),
        RTS: hostOf(site.upstreams.rts),
        MCP: hostOf(site.upstreams.mcp),
        KEYCLOAK: hostOf(site.upstreams.keycloak),
        SUPERVISOR: hostOf(site.upstreams.supervisor),
      },
    })
    await gatehouse.waitFor({ message: 'listening', listener: 'http' })
    return { gatehouse, http, https }
  },
  supervisor: 'upstream',
}

/** Parts of the file depend on the environment. */
export function asTheScriptWritesIt({ APPSMITH_RATE_LIMIT, APPSMITH_CUSTOM_DOMAIN }: Variables): string {
  let text = readFileSync(fixture, 'utf8')
  if (APPSMITH_RATE_LIMIT === 'disabled') text = text.replace(/# rate limit\n.*# end of rate limit\n/s, '')
  return APPSMITH_CUSTOM_DOMAIN ? text : text.replace(/# only with a domain\n.*/s, '')
}

export function scriptVariables({
  APPSMITH_ALLOWED_FRAME_ANCESTORS,
  APPSMITH_SUPERVISOR_USER,
  APPSMITH_SUPERVISOR_PASSWORD,
}: Variables): Variables {
  return {
    FRAME_ANCESTORS: (APPSMITH_ALLOWED_FRAME_ANCESTORS || "'self'").replace(/;.*/, ''),
    SUPERVISOR_USER: APPSMITH_SUPERVISOR_USER ?? '',
    SUPERVISOR_USER_PASSWORD: APPSMITH_SUPERVISOR_PASSWORD ?? '',
  }
}

/** The script writes its pages rendered: index.html beside the editor, 404.html into it. */
export function pages(folder: string, environment: Variables): Variables {
  const [www, editor] = [join(folder, 'www'), environment.GATEHOUSE_EDITOR ?? '']
  const info = JSON.parse(readFileSync(environment.GATEHOUSE_INFO ?? '', 'utf8')) as Variables
  const known: Variables = {
    ...environment,
    APPSMITH_VERSION_ID: info.version ?? '',
    APPSMITH_VERSION_SHA: info.commitSha ?? '',
    APPSMITH_VERSION_RELEASE_DATE: info.imageBuiltAt ?? '',
    APPSMITH_HOSTNAME: environment.HOSTNAME ?? '',
  }
  const escaped = (text: string) => text.replaceAll(/[<>&"']/g, (character) => `&#${character.charCodeAt(0)};`)
  const render = (page: string) =>
    page.replaceAll(/\{\{env "(\w+)"\}\}/g, (_, name: string) =>
      escaped((name.startsWith('APPSMITH_') && known[name]) || ''),
    )
  mkdirSync(www)
  writeFileSync(join(www, 'index.html'), render(readFileSync(join(editor, 'index.html'), 'utf8')))
  writeFileSync(join(editor, '404.html'), render(readFileSync(join(editor, '404.html'), 'utf8')))
  return { WWW_PATH: www }
}

function hostOf(url: string): string {
  return new URL(url).host
}
