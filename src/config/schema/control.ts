/** How Gatehouse itself is asked and looked at. */
import { auth } from './gateway/guards.ts'
import { pathPrefix } from './gateway/paths.ts'
import { textOrNothing } from './scalars.ts'
import { mapping } from './structures.ts'

export const controlSchema = mapping({
  socket: textOrNothing('the path of a Unix socket')
    .describe('Where the verbs ask; default: `/run/gatehouse.sock`, without root see docs/operating.md')
    .optional(),
  dashboard: mapping({
    path: pathPrefix.describe('Where the gateway shows it'),
    auth: auth.describe('Who may look: it tells what runs here, so not everybody'),
  })
    .describe('A page with the state of every process; before all routes but redirects')
    .optional(),
})
