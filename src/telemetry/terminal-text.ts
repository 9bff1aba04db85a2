import { styleText } from 'node:util'

type Colour = 'cyan' | 'magenta' | 'yellow' | 'green' | 'blue' | 'redBright' | 'cyanBright' | 'magentaBright'
const colours: readonly Colour[] = [
  'cyan',
  'magenta',
  'yellow',
  'green',
  'blue',
  'cyanBright',
  'magentaBright',
  'redBright',
]
const nameWidth = 10

/** Turns one JSON log line into one for a terminal: time, the process's name in its own colour, the words. */
export function terminalText(json: string, colour: boolean): string {
  const line = JSON.parse(json) as Record<string, unknown>
  const name = String(line.process ?? '')
  const paint = (format: Parameters<typeof styleText>[0], text: string) =>
    colour ? styleText(format, text, { validateStream: false }) : text
  const time = paint('dim', String(line.time).slice(11, 23))
  const prefix = paint(colourOf(name), `${name.padEnd(nameWidth)} |`)
  return `${time} ${prefix} ${words(line, paint)}\n`
}

function words(
  line: Record<string, unknown>,
  paint: (format: 'red' | 'yellow' | 'dim', text: string) => string,
): string {
  const message = line.requestId === undefined ? String(line.message) : requestWords(line)
  if (line.level === 'error') return paint('red', `error: ${message}`)
  if (line.level === 'warn') return paint('yellow', `warning: ${message}`)
  return message
}

/** An access record, short enough to read as it scrolls by; the JSON form has all of it. */
function requestWords(line: Record<string, unknown>): string {
  const target = line.route === undefined ? '' : ` (${line.route})`
  const cause = line.error === undefined ? '' : `: ${line.error}`
  return `${line.method} ${line.path} ${line.status} in ${line.duration}ms${target}${cause}`
}

/** The same name has the same colour in every run. */
function colourOf(name: string): Colour {
  let sum = 0
  for (const character of name) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) >>> 0
  return colours[sum % colours.length] ?? 'cyan'
}
