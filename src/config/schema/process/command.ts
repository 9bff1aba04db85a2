/** A program and its arguments, as a list of words; run without a shell. */
import * as z from 'zod'
import { splitWords } from '../../words.ts'
import { customIssue, InvalidValue } from '../invalid-value.ts'
import { anyScalar, scalar } from '../scalars.ts'
import { short } from '../shorthand.ts'
import { listOf, mapping } from '../structures.ts'

const expected = 'a list of words: the program and its arguments'

// execve(2) ends each word at its first NUL, and Node's own error would print the word.
const withNul = new InvalidValue('contains a NUL character', 'remove it: program arguments cannot contain NUL')

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
      return new InvalidValue(
        'ends with a `\\`',
        'a backslash escapes the next character; for a literal one, write `\\\\`',
      )
    return new InvalidValue(
      `has an unclosed ${split.unclosed}`,
      `close it; for a literal one, write \`\\${split.unclosed}\` or use the other quotes around it`,
    )
  },
})

/** An item with its own `when:`, or with any number of words. */
const item = mapping({
  words: words.describe('Any number of words, split as a POSIX shell would').optional(),
  word: word.describe('One word, as it is').optional(),
}).superRefine((given, context) => {
  if ((given.words === undefined) !== (given.word === undefined)) return
  context.addIssue(
    customIssue('choose-one', 'this needs exactly one of `words` and `word`', 'for example `{ words: "-a b" }`'),
  )
})

/** Reads as the list of all words in order. */
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
        'the first word is the program; empty `words` count as none',
      ),
    )
  })
