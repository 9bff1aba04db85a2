/** Several starts of Gatehouse at once, of which one may run. */
import { expect } from 'vitest'
import { type Gatehouse, startGatehouse } from './gatehouse.ts'

export interface ClaimingConfig {
  readonly port: number | undefined
  readonly socket: string
  readonly storage?: string
  /** Empty: all addresses. */
  readonly host?: string
}

/** Text of a config file: one listener, one program, and where the run keeps its state. */
export function claimingConfig({ port, socket, storage = './storage', host = '127.0.0.1' }: ClaimingConfig) {
  return `
gateway: { listeners: { http: { address: "${host}:${port}" } }, routes: [{ respond: { body: here } }] }
processes:
  child: { command: [sleep, "600"], stop: { grace: 1s } }
storage: ${storage}
control: { socket: ${socket} }
`
}

/** Starts one for each config: one of them gets ready, with its child; each of the others is refused for a reason like this. */
export async function expectOneToRun(configs: readonly string[], refusal: RegExp): Promise<void> {
  const all = configs.map((config) => startGatehouse({ config }))
  try {
    const outcomes = await Promise.all(
      all.map(async (one) => ({
        one,
        ran: await one.waitFor({ message: 'ready' }, { timeout: 50_000 }).then(
          () => true,
          () => false,
        ),
      })),
    )
    const winners = outcomes.flatMap(({ one, ran }) => (ran ? [one] : []))
    expect(winners).toHaveLength(1)
    const [winner] = winners as [Gatehouse]
    for (const one of all) {
      if (one === winner) continue
      expect(await one.exit).toEqual({ code: 3, signal: null })
      const errors = one.lines.filter(({ level }) => level === 'error').map(({ message }) => message)
      expect(errors.join('\n')).toMatch(refusal)
      expect(one.lines.some((line) => line.process === 'child')).toBe(false)
    }
    expect(() => process.kill(winner.pidOf('child'), 0)).not.toThrow()
    expect(winner.lines.filter((line) => line.process === 'child' && line.state === 'running')).toHaveLength(1)
    expect(await (await fetch(await winner.url('http'))).text()).toBe('here')
  } finally {
    await Promise.all(all.map((one) => one.stop()))
  }
}
