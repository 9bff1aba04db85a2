import { makeUpstream } from '../upstream.ts'
import { listen, sayCommandLine } from './listen.ts'

sayCommandLine('rts')
listen(makeUpstream('rts'), { port: Number(process.env.APPSMITH_RTS_PORT ?? 8091) })
