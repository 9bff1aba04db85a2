import { deepest, type Located } from './located.ts'

/** The text of an item of a command: the word itself, or its `words` or `word`. */
export function textOfItem(item: Located): Located {
  const keys = ['words', 'word'].map((key) => deepest(item, [key]))
  return keys.find(({ steps }) => steps === 1)?.node ?? item
}
