import { type Bytes, parseBytes } from '../../../shared/bytes.ts'
import { InvalidValue } from '../invalid-value.ts'
import { formOrVariable, invalidSize, scalar } from '../scalars.ts'

/** Below this no program runs: the unit is probably wrong, as in Docker's `512m`. */
const minSize: Bytes = 1_000_000

/** The memory limit of a process: a size, or its share of the container's memory. */
export const memory = scalar<Bytes | 'auto'>({
  expected: '`auto`, or a size such as `512MB` or `1.5GiB`',
  read(written) {
    if (written === 'auto') return written
    if (/^[1-9]\d*$/.test(written)) return new InvalidValue('has no unit', `write \`${written}MB\`, or use \`GB\``)
    const invalid = invalidSize(written)
    if (invalid) return invalid
    const size = parseBytes(written)
    if (size === undefined || size >= minSize) return size
    return new InvalidValue('is too small for any program', 'set the most it needs, at least `1MB`, or `auto`')
  },
  json: formOrVariable({ const: 'auto' }, { type: 'string', pattern: '^\\d+(\\.\\d+)?(KB|MB|GB|KiB|MiB|GiB)$' }),
})
