import type { PolledCheck, ProcessPlan } from '../../plan/model/plan.ts'
import { programOf } from '../spawn/program.ts'
import type { Attempt } from './attempt.ts'
import { execAttempt } from './exec.ts'
import { grpcAttempt } from './grpc.ts'
import { httpAttempt } from './http.ts'
import { tcpAttempt } from './tcp.ts'

export function attemptOf(plan: ProcessPlan, check: PolledCheck): Attempt {
  switch (check.kind) {
    case 'http':
      return httpAttempt(check.url, check.written)
    case 'tcp':
      return tcpAttempt(check.host, check.port)
    case 'exec':
      return execAttempt(programOf(plan, check))
    case 'grpc':
      return grpcAttempt(check.port, check.service)
  }
}
