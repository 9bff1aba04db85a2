import { describeGuardCorpus } from './guard-corpus.ts'

describeGuardCorpus(false)
