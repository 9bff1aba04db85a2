/** Why a program cannot be given the rights that its plan asks for; the message names the option and the mend. */
export class Unfit extends Error {}
