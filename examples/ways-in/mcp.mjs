import { randomUUID } from 'node:crypto'
import { halfclose } from '@halfclose/express'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import express from 'express'

const app = express()
const connections = halfclose(app, {
  signals: true,
  readiness: '/ready',
  drain: { delay: Number(process.env.DRAIN_DELAY ?? 5_000) },
})

/** Sessions, each with its open event stream. */
const transports = new Map()

function newSession() {
  const server = new McpServer({ name: 'hello', version: '1.0.0' })
  server.registerTool('hello', { description: 'Says hello' }, async () => ({ content: [{ type: 'text', text: 'world' }] }))
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    enableJsonResponse: true,
    onsessioninitialized: (id) => transports.set(id, transport),
  })
  transport.onclose = () => transports.delete(transport.sessionId)
  return server.connect(transport).then(() => transport)
}

// The streams that clients hold open with GET never end by themselves. A client opens its next one to another process.
connections.signal.addEventListener('abort', () => {
  for (const transport of transports.values()) transport.closeStandaloneSSEStream()
})

app.use((request, _response, next) => {
  console.log(request.method, request.url)
  next()
})
app.post('/mcp', express.json(), async (request, response) => {
  const transport = transports.get(request.get('mcp-session-id')) ?? (await newSession())
  await transport.handleRequest(request, response, request.body)
})
app.get('/mcp', async (request, response) => {
  const transport = transports.get(request.get('mcp-session-id'))
  if (transport === undefined || connections.signal.aborted) return response.sendStatus(405)
  await transport.handleRequest(request, response)
})

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log('listening on port', server.address().port)
})
