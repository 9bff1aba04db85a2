import { stripVTControlCharacters } from 'node:util'

/** The first line of a text that may contain the output of a child, without control characters for the terminal. */
export function oneLine(text: string): string {
  const [line = ''] = stripVTControlCharacters(text).trim().split('\n')
  return line.replaceAll(/\p{Cc}+/gu, ' ').trim()
}
