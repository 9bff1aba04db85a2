import type { ChallengePresenter, PresentedChallenge } from '../certificates/ports.ts'
import type { GatewayThreads } from './threads.ts'

/** Shows what ACME servers look for by way of all gateway threads. */
export function createPresenter(threads: () => Pick<GatewayThreads, 'show'>): ChallengePresenter {
  const shown = new Set<PresentedChallenge>()
  const show = () => threads().show([...shown])
  return {
    async present(challenge) {
      shown.add(challenge)
      await show()
    },
    async withdraw(challenge) {
      shown.delete(challenge)
      await show()
    },
  }
}
