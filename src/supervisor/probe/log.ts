/** Ready when a line matches. Asks of each line of stdout and stderr; a pattern without flags keeps no state. */
export function logTest(pattern: string): (text: string) => boolean {
  const expression = new RegExp(pattern)
  return (text) => expression.test(text)
}
