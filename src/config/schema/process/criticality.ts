/** What is lost if a process is killed early; in a list, the first item that `when` does not exclude applies. */
import * as z from 'zod'
import { nearest } from '../../hints/suggest.ts'
import { customIssue, InvalidValue } from '../invalid-value.ts'
import { formOrVariable, scalar } from '../scalars.ts'
import { mapping } from '../structures.ts'

const words = ['critical', 'important', 'rebuildable'] as const

type Criticality = (typeof words)[number]

const usual: Criticality = 'important'

const word = scalar<Criticality>({
  expected: 'one of `critical`, `important`, `rebuildable`',
  words,
  read(written) {
    const known = words.find((one) => one === written)
    // `high` or `1` comes from another scale: explaining the words helps more than suggesting a similar one.
    if (known || written === '' || nearest(written, words)) return known
    return new InvalidValue(
      'is not a criticality',
      '`critical`: data is lost if it is killed; `important`: it would be missed; `rebuildable`: its state can be rebuilt',
    )
  },
  json: formOrVariable({ enum: words }),
})

const item = z.union([word, mapping({ is: word })])

const list = z.array(item, { error: () => 'a list of them' }).superRefine((items, context) => {
  for (const index of items.keys()) {
    // A plain word has no `when`: it is never excluded.
    if (index === items.length - 1 || typeof items[index] !== 'string') continue
    const message = `nothing after \`${items[index]}\` can apply: it has no \`when\``
    const hint = 'the first item that is not excluded applies: move it to the end'
    context.addIssue(customIssue('contradiction', message, hint, [index]))
  }
})

export const criticalitySchema = z
  .union([word, mapping({ is: word }), list])
  .transform((written): Criticality => {
    const first = Array.isArray(written) ? written[0] : written
    return (typeof first === 'object' ? first.is : first) ?? usual
  })
  .prefault(usual)
