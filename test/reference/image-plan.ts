/** config/appsmith.yaml as it is read in the image that it is for, none of whose folders is on this machine. */
import { disk, type FileFacts } from '../../src/config/file-facts.ts'
import type { Plan } from '../../src/plan/model/plan.ts'
import { readPlan } from '../../src/plan/read-plan.ts'
import { configFile } from './single-container.ts'
import type { Variables } from './site.ts'

/** The image's own files, in folders that this machine does not have. */
const files: Variables = {
  '/opt/appsmith/info.json': '{"version":"v1","commitSha":"0","imageBuiltAt":"2026-01-02"}',
  '/opt/appsmith/editor/index.html': '',
  '/opt/appsmith/editor/404.html': '',
  '/opt/appsmith/mcp/bundle/server.js': '',
  '/opt/keycloak/bin/kc.sh': '',
  '/opt/temporal/temporal-server': '',
}
const image: FileFacts = {
  kindOf(path) {
    if (path in files) return 'file'
    if (path.startsWith('/appsmith-stacks/')) return 'absent'
    return path === '/appsmith-stacks' || path.startsWith('/opt/') ? 'directory' : disk.kindOf(path)
  },
  read: (path) => files[path] ?? disk.read(path),
}

/** What config/appsmith.yaml means in a container of the image with these variables and an empty volume. Throws if it has mistakes. */
export function planWith(env: Variables): Plan {
  const { plan, diagnostics } = readPlan(configFile, { PATH: '/usr/bin', ...env }, image)
  if (plan === undefined) throw new Error(JSON.stringify(diagnostics, null, 1))
  return plan
}
