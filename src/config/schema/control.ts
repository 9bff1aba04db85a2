/** How to control and watch Gatehouse itself. */
import { auth } from './gateway/guards.ts'
import { pathPrefix } from './gateway/paths.ts'
import { textOrNothing } from './scalars.ts'
import { mapping } from './structures.ts'

export const controlSchema = mapping({
  socket: textOrNothing('the path of a Unix socket')
    .describe(
      'Socket for the `gatehouse` commands; default: `/run/gatehouse.sock`; without root, see docs/operating.md',
    )
    .optional(),
  dashboard: mapping({
    path: pathPrefix.describe('Path on the gateway'),
    auth: auth.describe('Who may see it'),
  })
    .describe('A page with the state of every process; matched before all routes except redirects')
    .optional(),
})
