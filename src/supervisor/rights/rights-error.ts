/**
 * Why a program cannot be given the rights that its plan asks for: the message names the option, the cause and the fix.
 */
export class RightsError extends Error {}
