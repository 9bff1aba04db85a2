import { makeUpstream } from '../upstream.ts'
import { listen, sayCommandLine } from './listen.ts'

sayCommandLine('mcp')
listen(makeUpstream('mcp'), { port: Number(process.env.APPSMITH_MCP_PORT ?? 8092) })
