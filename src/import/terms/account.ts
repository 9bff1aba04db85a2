import { rightsShape } from '../../config/schema/process/rights.ts'
import { hasVariable } from '../marked.ts'

/** What our `user` may be: `app`, `1000`, `app:web`. What comes from a variable is known at the start only. */
export function isAccount(text: string): boolean {
  return hasVariable(text) || rightsShape.user.safeParse(text).success
}
