/** What can be wrong with a message, apart from being malformed. */
export type FaultKind = 'malformed' | 'too-long' | 'extension-too-long'

/** Makes the error for a message that cannot be read; `what` describes it. Default: malformed. */
export type FaultOf = (what: string, kind?: FaultKind) => Error
