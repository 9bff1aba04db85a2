/** Whether a command written as text needs more of a shell than word splitting: then it has two readings. */
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
