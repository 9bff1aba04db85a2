/** The cost of a request by the number of routes and of connections, as an SVG of two panels. */
import type { RowResult } from '../compare.ts'
import { median } from '../measure/statistics.ts'
import { series } from '../rows/table.ts'

const panel = { width: 330, height: 220, left: 50, top: 40, gap: 70 }
const colors = ['#c2410c', '#0369a1', '#7dd3fc', '#15803d', '#7e22ce']

interface Line {
  readonly server: string
  readonly points: readonly { readonly x: number; readonly y: number }[]
}

/** Undefined if none of their rows was measured. */
export function plot(results: readonly RowResult[]): string | undefined {
  const panels = Object.entries(series).map(([name, values]) => ({
    name,
    values,
    lines: linesOf(results, name, values),
  }))
  if (panels.every(({ lines }) => lines.length === 0)) return undefined
  const servers = [...new Set(panels.flatMap(({ lines }) => lines.map(({ server }) => server)))]
  const color = (server: string) => colors[servers.indexOf(server) % colors.length] ?? '#000'
  const highest = Math.max(...panels.flatMap(({ lines }) => lines.flatMap(({ points }) => points.map(({ y }) => y))))
  const width = panel.left + 2 * panel.width + panel.gap + 20
  const drawn = panels.map(({ name, values, lines }, index) => {
    const left = panel.left + index * (panel.width + panel.gap)
    const [least = 1] = values
    const most = values.at(-1) ?? least
    // Both counts span orders of magnitude.
    const x = (value: number) => left + (Math.log(value / least) / Math.log(most / least)) * panel.width
    const y = (value: number) => panel.top + panel.height * (1 - value / highest)
    const bottom = panel.top + panel.height
    const marks = values.map((value) => text(x(value), bottom + 16, value.toLocaleString('en'), 'middle'))
    const levels = [0, 0.25, 0.5, 0.75, 1].map((share) => {
      const at = y(share * highest)
      return `<path d="M${left} ${round(at)}h${panel.width}" stroke="#ddd"/>${text(left - 6, at + 4, (share * highest).toFixed(0), 'end')}`
    })
    const paths = lines.map(({ server, points }) => {
      const places = points.map((point) => `${round(x(point.x))},${round(y(point.y))}`)
      const dots = places.map((place) => `<circle cx="${place.split(',')[0]}" cy="${place.split(',')[1]}" r="3"/>`)
      return `<g fill="${color(server)}"><polyline points="${places.join(' ')}" fill="none" stroke="${color(server)}" stroke-width="2"/>${dots.join('')}</g>`
    })
    const title = text(left + panel.width / 2, bottom + 34, name, 'middle')
    return [...levels, ...marks, ...paths, title].join('\n')
  })
  const legend = servers.map((server, index) => {
    const left = panel.left + index * 150
    return `<circle cx="${left}" cy="20" r="5" fill="${color(server)}"/>${text(left + 10, 24, server, 'start')}`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="310" font-family="sans-serif" font-size="12">
<title>CPU microseconds a proxied request</title>
<rect width="100%" height="100%" fill="#fff"/>
${[...legend, ...drawn].join('\n')}
</svg>
`
}

function linesOf(results: readonly RowResult[], name: string, values: readonly number[]): Line[] {
  const measured = values.flatMap((value) => results.filter(({ row }) => row === `${name}, ${value}`))
  const servers = [...new Set(measured.flatMap(({ samples }) => Object.keys(samples)))]
  return servers.map((server) => {
    const points = values.flatMap((value) => {
      const samples = measured.find(({ row }) => row === `${name}, ${value}`)?.samples[server] ?? []
      const cost = median(samples.flatMap((sample) => sample?.cpu ?? []))
      return Number.isNaN(cost) ? [] : [{ x: value, y: cost }]
    })
    return { server, points }
  })
}

function text(x: number, y: number, words: string, anchor: string): string {
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}">${words}</text>`
}

function round(value: number): string {
  return value.toFixed(1)
}
