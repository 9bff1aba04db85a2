import * as z from 'zod'
import { InvalidValue, type IssueFacts } from '../invalid-value.ts'
import { anyText, scalar } from '../scalars.ts'
import { mapping, named } from '../structures.ts'

/** RFC 7617 §2: a colon ends the name, and control characters are not allowed in it. */
const allowed = /^[ -9;-~\u00a0-\uffff]+$/
const expected = 'a name without `:`'

const userName = z.string().regex(allowed, { error: () => expected })

/** A password in the wrong place must not be printed as the value found. */
const misplaced = z
  .unknown()
  .superRefine((_, context) => {
    const facts: IssueFacts = {
      invalid: new InvalidValue('is not a mapping', 'write `{ password: "${NAME_OF_A_VARIABLE}" }`'),
      secret: true,
    }
    context.addIssue({ code: 'custom', params: { ...facts } })
  })
  .transform((): { name?: string; password: string } => ({ password: '' }))
  .meta({ not: {} })

export const usersSchema = named(
  z.union([
    mapping({
      name: scalar({ expected, read: (written) => (allowed.test(written) ? written : undefined) })
        .describe('Name at login; default: the key')
        .optional(),
      password: anyText.describe('If empty, one is generated and shown once at startup').prefault(''),
    }),
    misplaced,
  ]),
  userName,
)
