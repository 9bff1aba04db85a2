import { GatehouseError } from '../shared/errors.ts'
import { givenEnvironment } from '../shared/system/given-environment.ts'

/** The container's variables that are valid UTF-8. */
export function environment(): Readonly<Record<string, string>> {
  return givenEnvironment().variables
}

/** The same for programs: throws `environment-unusable` if a variable cannot be passed on unchanged. */
export function environmentForPrograms(): Readonly<Record<string, string>> {
  const { variables, notUtf8 } = givenEnvironment()
  if (notUtf8.length === 0) return variables
  const [what, are] = notUtf8.length === 1 ? ['variable', 'is'] : ['variables', 'are']
  throw new GatehouseError(
    'environment-unusable',
    `the environment ${what} ${notUtf8.join(', ')} ${are} not valid UTF-8 and cannot be passed on to programs unchanged: unset what is not needed, and encode the rest in UTF-8`,
  )
}
