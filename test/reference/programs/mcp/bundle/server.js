import '../../mcp.ts'
