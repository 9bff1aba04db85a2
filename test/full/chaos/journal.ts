/** What happened and when: faults, exchanges that were no success, lines of the program. Written down so that a failure can be read. */
import { appendFileSync, writeFileSync } from 'node:fs'

/** How an exchange ended. Only `whole` is a success; `refused` and `cut` are honest failures, the others never happen. */
export type Ending = 'whole' | 'refused' | 'cut' | 'wrong' | 'late'

export interface Exchange {
  /** `h2 GET /pool/download`. */
  readonly what: string
  /** Nothing that is harmed stands behind it, so that only the end of a gateway thread excuses a failure. */
  readonly innocent: boolean
  /** performance.now() */
  readonly from: number
  readonly to: number
  readonly ending: Ending
  readonly detail: string
}

export class Journal {
  readonly file: string
  readonly #began = performance.now()
  readonly #counts = new Map<string, Record<Ending, number>>()
  /** While a gateway thread is being ended; the last one may be open. */
  readonly #excuses: { readonly from: number; to: number }[] = []
  readonly #failures: Exchange[] = []
  readonly #verdicts: string[] = []

  constructor(file: string, seed: number) {
    this.file = file
    writeFileSync(file, `seed ${seed}\n`)
  }

  note(text: string): void {
    const seconds = ((performance.now() - this.#began) / 1_000).toFixed(3)
    appendFileSync(this.file, `${new Date().toISOString()} ${seconds.padStart(8)} s  ${text}\n`)
  }

  /** Something that must not happen. */
  accuse(text: string): void {
    this.#verdicts.push(text)
    this.note(`WRONG: ${text}`)
  }

  add(exchange: Exchange): void {
    const { what, ending, from, to, detail } = exchange
    const counts = this.#counts.get(what) ?? { whole: 0, refused: 0, cut: 0, wrong: 0, late: 0 }
    counts[ending] += 1
    this.#counts.set(what, counts)
    if (ending === 'whole') return
    const text = `${what}: ${ending} after ${Math.round(to - from)} ms: ${detail}`
    if (ending === 'wrong' || ending === 'late') this.accuse(text)
    else this.note(text)
    this.#failures.push(exchange)
  }

  /** From now until the returned function was called, and `grace` ms longer, clients may lose their connection. */
  excuse(grace: number): () => void {
    const excuse = { from: performance.now(), to: Number.POSITIVE_INFINITY }
    this.#excuses.push(excuse)
    return () => {
      excuse.to = performance.now() + grace
    }
  }

  get failures(): readonly Exchange[] {
    return this.#failures
  }

  /** Everything that must not have happened. */
  verdicts(): string[] {
    const unexcused = this.#failures.filter(
      ({ innocent, from, to, ending }) =>
        innocent &&
        (ending === 'refused' || ending === 'cut') &&
        !this.#excuses.some((excuse) => from <= excuse.to && to >= excuse.from),
    )
    const lost = unexcused.map(({ what, ending, from, detail }) => {
      const seconds = ((from - this.#began) / 1_000).toFixed(3)
      return `${what}, begun at ${seconds} s, was ${ending} though nothing behind it was harmed: ${detail}`
    })
    return [...this.#verdicts, ...lost]
  }

  /** How many exchanges of each kind ended how. */
  summary(): string {
    const rows = [...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1))
    const cells = ({ whole, refused, cut, wrong, late }: Record<Ending, number>) =>
      `${String(whole).padStart(8)} whole ${String(refused).padStart(6)} refused ${String(cut).padStart(6)} cut ${wrong} wrong ${late} late`
    return rows.map(([what, counts]) => `${what.padEnd(28)}${cells(counts)}`).join('\n')
  }

  wholeOnes(): number {
    return [...this.#counts.values()].reduce((sum, { whole }) => sum + whole, 0)
  }
}
