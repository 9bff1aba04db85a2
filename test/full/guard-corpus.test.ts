/** All spellings on all sites in all ways, against each reader. */
import { describeGuardCorpus } from '../gateway/route/guard-corpus.ts'

describeGuardCorpus(true)
