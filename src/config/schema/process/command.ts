/** A program and its arguments, as a list of words: no shell reads them. */
import { z } from 'zod'
import { splitWords } from '../../words.ts'
import { customIssue, InvalidValue } from '../invalid-value.ts'
import { anyScalar, scalar } from '../scalars.ts'
import { short } from '../shorthand.ts'
import { listOf, mapping } from '../structures.ts'

const expected = 'a list of words: the program and its arguments'

// execve(2) ends each word at its first NUL, and Node's own customIssue would print the word.
const withNul = new InvalidValue('holds a NUL character', 'no program can be given one: remove it')

const word = scalar({
  expected: 'a word such as `program`',
  read: (written) => (written.includes('\0') ? withNul : written),
  json: anyScalar,
})

const words = scalar({
  expected: 'words such as `-a "b c"`',
  json: anyScalar,
  read(written) {
    if (written.includes('\0')) return withNul
    const split = splitWords(written)
    if (split.ok) return split.words
    if (split.unclosed === '\\')
      return new InvalidValue('ends in a `\\`', 'a backslash keeps the character behind it; for itself write `\\\\`')
    return new InvalidValue(
      `has a ${split.unclosed} that is not closed`,
      `close it; for itself write \`\\${split.unclosed}\` or put it between the other quotes`,
    )
  },
})

/** Where one `when:` decides, or where there may be none or many. */
const item = mapping({
  words: words.describe('None, one or many: split as a POSIX shell splits').optional(),
  word: word.describe('One, as it stands').optional(),
}).superRefine((given, context) => {
  if ((given.words === undefined) !== (given.word === undefined)) return
  context.addIssue(
    customIssue('choose-one', 'this needs exactly one of `words` and `word`', 'for example `{ words: "-a b" }`'),
  )
})

/** As a value: all words in their order. */
export const commandSchema = short(listOf(z.union([word, item]), expected), { split: true })
  .transform((items) =>
    items.flatMap((item) => (typeof item === 'string' ? [item] : (item.words ?? [item.word ?? '']))),
  )
  .superRefine(([program], context) => {
    if (program) return
    context.addIssue(
      customIssue(
        'wrong-value',
        'this command names no program',
        'its first word is the program; empty `words` are none',
      ),
    )
  })
