import { rightsShape } from '../../config/schema/process/rights.ts'
import { hasVariable } from '../marked.ts'

/** What our `user` may be: `app`, `1000`, `app:web`. The value of a variable is known only at startup. */
export function isAccount(text: string): boolean {
  return hasVariable(text) || rightsShape.user.safeParse(text).success
}
