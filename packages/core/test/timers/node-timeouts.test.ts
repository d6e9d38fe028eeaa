import { createServer } from 'node:http'
import { attach } from '@halfclose/core'
import type { Client } from '../../../../test/support/client.js'
import { endedAfterAll } from '../../../../test/support/server.js'
import { pass } from '../../../../test/support/wait.js'

// Why `hold` may be longer than Node's headersTimeout and requestTimeout (docs/proxies.md). Nodes before 18 counted the idle time as part of
// the next head, which is where the advice to keep headersTimeout above keepAliveTimeout comes from.
const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
const IDLE = 1_500
const timeouts = { headersTimeout: 400, requestTimeout: 600, connectionsCheckingInterval: 50, keepAliveTimeout: 20_000 }

const opened = endedAfterAll()

describe.each(['Node alone', 'halfclose'])('%s', (governed) => {
  const open = async (socketTimeout = 0): Promise<Client> => {
    const server = createServer(timeouts, (request, response) => {
      request.resume().on('end', () => response.end('x'))
      request.on('error', () => {})
    })
    server.setTimeout(socketTimeout)
    if (governed === 'halfclose') attach(server, { keepAlive: { hold: 20_000 }, drain: 'fast' })
    return opened.connect(await opened.listen(server))
  }

  it.concurrent.each([
    ['headersTimeout and requestTimeout', 0],
    ['server.setTimeout()', 400],
  ])('%s do not run between two requests', async (_which, socketTimeout) => {
    const client = await open(socketTimeout)
    expect((await client.ask(GET)).status).toBe(200)
    await pass(IDLE)
    expect((await client.ask(GET)).status).toBe(200)
    expect(client.ending).toBeUndefined()
  })

  it.concurrent.each([
    ['headersTimeout', 'GET / HT', timeouts.headersTimeout],
    ['requestTimeout', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc', timeouts.requestTimeout],
  ])('%s runs from the first byte of the next request', async (_which, part, ms) => {
    const client = await open()
    expect((await client.ask(GET)).status).toBe(200)
    await pass(IDLE)
    const began = Date.now()
    await client.send(part)
    expect((await client.next()).status).toBe(408)
    expect(Date.now() - began).toBeGreaterThanOrEqual(ms - 20)
    await client.closed()
  })

  // The one that a proxy may meet: one that opens connections before it has a request for them.
  it.concurrent('headersTimeout runs on a connection that has carried nothing yet', async () => {
    const client = await open()
    const began = Date.now()
    await client.closed()
    expect(Date.now() - began).toBeGreaterThanOrEqual(timeouts.headersTimeout - 20)
    // Nobody asked: a proxy would take a 408 for the answer to what it sends next.
    expect(client.answers.list.map(({ status }) => status)).toEqual(governed === 'halfclose' ? [] : [408])
  })
})
