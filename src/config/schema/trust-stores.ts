import { customIssue } from './invalid-value.ts'
import { boolean, text } from './scalars.ts'
import { mapping, named } from './structures.ts'

/** Trust stores for programs that do not read the certificates of the system, such as Java. */
export const trustStoresSchema = named(
  mapping({
    file: text('the path of a file such as `./truststore.p12`').describe(
      'PKCS#12, written before processes start; its password is `changeit`',
    ),
    certificates: text('the path of a folder').describe('Folder whose `*.crt` and `*.pem` are trusted').optional(),
    system: boolean.describe('Also trusts the CAs of the system').default(true),
    internal: boolean.describe('Also trusts the internal CA').default(false),
  }).superRefine(({ certificates, system, internal }, context) => {
    if (certificates === undefined && !system && !internal)
      context.addIssue(
        customIssue(
          'contradiction',
          'this trust store would be empty',
          'add a folder of `certificates`, or remove `system: false`',
        ),
      )
  }),
)
