import { stripVTControlCharacters } from 'node:util'

/** The first line of a text that may hold a child's own words, which must not steer a terminal. */
export function oneLine(text: string): string {
  const [line = ''] = stripVTControlCharacters(text).trim().split('\n')
  return line.replaceAll(/\p{Cc}+/gu, ' ').trim()
}
