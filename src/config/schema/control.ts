/** How Gatehouse itself is asked and looked at. */
import { auth } from './guards.ts'
import { pathPrefix } from './paths.ts'
import { text } from './scalars.ts'
import { mapping } from './structures.ts'

export const controlSchema = mapping({
  socket: text('the path of a Unix socket').prefault('/run/gatehouse.sock'),
  dashboard: mapping({
    path: pathPrefix.describe('Where the gateway shows it'),
    auth: auth.describe('Who may look: it tells what runs here, so not everybody'),
  })
    .describe('A page with the state of every process; before all routes but redirects')
    .optional(),
})
