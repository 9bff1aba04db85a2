import type { ChallengePresenter } from '../certificates/certificate-source.ts'
import { challengeFolder, removeProof, writeProof } from '../shared/files/challenge-files.ts'
import type { ServedChallenge } from '../shared/served.ts'
import type { GatewayWorkers } from './workers/workers.ts'

/** Shows what ACME servers look for by way of all gateway threads, and of all replicas that share this storage. */
export function createPresenter(
  threads: () => Pick<GatewayWorkers, 'setChallenges'>,
  storage: string,
): ChallengePresenter {
  const folder = challengeFolder(storage)
  const shown = new Set<ServedChallenge>()
  const update = () => threads().setChallenges([...shown])
  return {
    async present(challenge) {
      shown.add(challenge)
      // Where it cannot be written our own threads show it all the same; who is alone needs no more.
      const left = challenge.type === 'http-01' && writeProof(folder, challenge.token, challenge.proof).catch(() => {})
      await Promise.all([update(), left])
    },
    async withdraw(challenge) {
      shown.delete(challenge)
      if (challenge.type === 'http-01') await removeProof(folder, challenge.token)
      await update()
    },
  }
}
