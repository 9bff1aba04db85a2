/** How much is lost if a process is ended early, perhaps by condition: the first of a list that `when` leaves in counts. */
import { z } from 'zod'
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
    // Who wrote `high` or `1` thinks of another scale: a near word would not help, what the words mean does.
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
    // A word alone has no `when`: it is always left in.
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
