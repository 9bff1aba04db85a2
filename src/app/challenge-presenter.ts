import type { ChallengePresenter } from '../certificates/certificate-source.ts'
import { challengeFolder, removeProof, writeProof } from '../shared/files/challenge-files.ts'
import type { ServedChallenge } from '../shared/served.ts'
import type { GatewayWorkers } from './workers/workers.ts'

/** Shows challenges to ACME servers in all gateway threads, and in all replicas that share this storage. */
export function createPresenter(
  workers: () => Pick<GatewayWorkers, 'setChallenges'>,
  storage: string,
): ChallengePresenter {
  const folder = challengeFolder(storage)
  const shown = new Set<ServedChallenge>()
  const update = () => workers().setChallenges([...shown])
  return {
    async present(challenge) {
      shown.add(challenge)
      // The file is for other replicas. If it cannot be written, our own threads still show the challenge.
      const written =
        challenge.type === 'http-01' && writeProof(folder, challenge.token, challenge.proof).catch(() => {})
      await Promise.all([update(), written])
    },
    async withdraw(challenge) {
      shown.delete(challenge)
      if (challenge.type === 'http-01') await removeProof(folder, challenge.token)
      await update()
    },
  }
}
