import { z } from 'zod'
import { Flaw, type IssueFacts } from './flaw.ts'
import { anyText } from './scalars.ts'
import { mapping, named } from './structures.ts'

/** RFC 7617 §2: a colon ends the name, and control characters are not allowed in it. */
const userName = z.string().regex(/^[ -9;-~\u00a0-\uffff]+$/, { error: () => 'a name without `:`' })

/** A password in the wrong place must not be printed as what was found there. */
const misplaced = z
  .unknown()
  .superRefine((_, context) => {
    const facts: IssueFacts = {
      flaw: new Flaw('is not a mapping', 'write `{ password: "${NAME_OF_A_VARIABLE}" }`'),
      secret: true,
    }
    context.addIssue({ code: 'custom', params: { ...facts } })
  })
  .transform((): { password: string } => ({ password: '' }))
  .meta({ not: {} })

export const usersSchema = named(
  z.union([
    mapping({ password: anyText.describe('Empty: one is generated, and shown once at the start').prefault('') }),
    misplaced,
  ]),
  userName,
)
