import { GatehouseError } from '../shared/errors.ts'
import { givenEnvironment } from '../shared/system/given-environment.ts'

/** The container's variables, as far as they are text. */
export function environment(): Readonly<Record<string, string>> {
  return givenEnvironment().variables
}

/** The same for a plan whose programs get them: throws `environment-unusable` if one could not be passed on as it is. */
export function environmentForPrograms(): Readonly<Record<string, string>> {
  const { variables, notUtf8 } = givenEnvironment()
  if (notUtf8.length === 0) return variables
  const [what, are] = notUtf8.length === 1 ? ['variable', 'is'] : ['variables', 'are']
  throw new GatehouseError(
    'environment-unusable',
    `the environment ${what} ${notUtf8.join(', ')} ${are} not UTF-8, so that programs would get something else: unset what is not needed, and give the rest in UTF-8`,
  )
}
