/** Whether a command written as text asks for more of a shell than to split it into words: then it has two readings. */
export function needsShell(text: string): boolean {
  const outsideSingle = text.replace(/'[^']*'/g, "''")
  const outsideQuotes = outsideSingle.replace(/"(?:\\[\s\S]|[^"\\])*"/g, '""')
  return (
    /[$`]/.test(outsideSingle) ||
    /[;&|<>()*?[\]\n]/.test(outsideQuotes) ||
    // An assignment, a home folder, a comment, a negation.
    /^\s*\w+=|(?:^|\s)[~#!]/.test(outsideQuotes)
  )
}
