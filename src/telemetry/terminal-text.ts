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
const blankTime = ' '.repeat('00:00:00.000'.length)

/** Formats a JSON log line for a terminal: time, the name of the process in its own colour, the message. */
export function terminalText(json: string, colour: boolean): string {
  const line = JSON.parse(json) as Record<string, unknown>
  // Gatehouse's messages about a process are distinguished from the output of the process.
  const about = line.stream === undefined && line.requestId === undefined ? String(line.process ?? '') : ''
  const name = isOurs(about) || about === '' ? String(line.process ?? '') : 'gatehouse'
  const paint = (format: Parameters<typeof styleText>[0], text: string) =>
    colour ? styleText(format, text, { validateStream: false }) : text
  const time = paint('dim', String(line.time).slice(11, 23))
  const prefix = paint(colourOf(name), `${name.padEnd(nameWidth)} |`)
  const subject = name === line.process ? '' : `${about}: `
  const [first, ...more] = `${subject}${words(line, paint)}`.split('\n')
  return [`${time} ${prefix} ${first}\n`, ...more.map((rest) => `${blankTime} ${prefix} ${rest}\n`)].join('')
}

function isOurs(process: string): boolean {
  return process === 'gatehouse' || process === 'gateway'
}

function words(
  line: Record<string, unknown>,
  paint: (format: 'red' | 'yellow' | 'dim', text: string) => string,
): string {
  const place = line.url === undefined || line.url === '' ? '' : ` ${line.url}`
  const message = line.requestId === undefined ? childWords(line) + place : requestWords(line)
  if (line.level === 'error') return paint('red', `error: ${message}`)
  if (line.level === 'warn') return paint('yellow', `warning: ${message}`)
  return message
}

/** The JSON output of a child: its message, then its other fields, without those that are shown already. */
function childWords({ message, json }: Record<string, unknown>): string {
  if (typeof json !== 'object' || json === null) return String(message)
  const fields = Object.entries(json).filter(([name, value]) => !shownAnyway.has(name) && value !== message)
  const said = fields.map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
  return [message, ...said].filter((part) => part !== '').join(' ')
}

/** The names of time and level in common loggers. */
const shownAnyway: ReadonlySet<string> = new Set(['time', 'timestamp', 'ts', '@timestamp', 'level', 'severity'])

/** An access record in short form; the JSON format has all fields. */
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
