import { styleText } from 'node:util'

export type Format = Parameters<typeof styleText>[0]
export type Paint = (format: Format, text: string) => string

/** Colours text for a terminal that shows colours, and leaves it as it is for any other. */
export function painter(colour: boolean): Paint {
  return (format, text) => (colour ? styleText(format, text, { validateStream: false }) : text)
}
