/** How the end of an essential process ends the run, and what `plan` says of it beforehand. */
import { afterEach, expect, test } from 'vitest'
import { type Gatehouse, runGatehouse, startGatehouse } from './support/gatehouse.ts'

let gatehouse: Gatehouse | undefined

afterEach(async () => {
  await gatehouse?.stop()
  gatehouse = undefined
})

const config = (policy: string) => `
processes:
  job: { command: [sh, -c, "sleep 0.2; exit 0"], essential: true, restart: { policy: ${policy} } }
  other: { command: [sleep, "600"] }
hooks: [{ on: essential-ended, run: [sh, -c, 'echo "$GATEHOUSE_EVENT_PROCESS $GATEHOUSE_EVENT_MESSAGE"'] }]
storage: ./storage
control: { socket: ./control.sock }
`

for (const policy of ['never', 'on-failure']) {
  test(`an essential service that exits with 0 under ${policy} ends the run with 0, as plan says`, async () => {
    gatehouse = startGatehouse({ config: config(policy) })
    const { stdout } = await runGatehouse(['plan', gatehouse.file])
    expect(stdout).toMatch(/ job .*essential: if it exits with 0, gatehouse stops with exit code 0/)
    expect(await gatehouse.exit).toEqual({ code: 0, signal: null })
    const said = gatehouse.lines.map(({ message }) => String(message))
    expect(said).toContainEqual(
      expect.stringMatching(/^stopping: the essential process job has ended: exited with code 0/),
    )
    expect(said).toContainEqual(
      expect.stringMatching(
        /^job exited with code 0 after .*; it is essential and not restarted; stopping everything$/,
      ),
    )
  })
}
