/** Keycloak: all it has is below /auth. */
import { makeUpstream } from '../upstream.ts'
import { listen, optionOf, sayCommandLine } from './listen.ts'

sayCommandLine('kc.sh')
listen(makeUpstream('keycloak'), { port: Number(optionOf('--http-port')), exitCode: 143 })
