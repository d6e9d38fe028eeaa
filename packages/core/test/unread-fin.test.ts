import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { Writable } from 'node:stream'
import { attach } from '@halfclose/core'
import { Client } from '../../../test/support/client.js'
import { credentials } from '../../../test/support/hosts/http.js'
import { get, pipeline, postHead } from '../../../test/support/requests.js'
import { listening, quiet } from '../../../test/support/server.js'
import { pass, until } from '../../../test/support/wait.js'

// A FIN stands behind half a body that its handler has let go, and answered: nobody reads as far as the FIN but us, after `linger.quiet`.

const MiB = 1024 * 1024

const lettingGo: Record<string, (req: IncomingMessage) => unknown> = {
  paused: (req) => req.pause(),
  piped: (req) => req.pipe(new Writable({ write: () => {} })),
  waited: (req) => req.on('readable', () => {}),
}

test.each(['http', 'https'].flatMap((kind) => Object.keys(lettingGo).map((way) => [kind, way])))(
  '%s: a FIN behind half a body that is %s ends the connection within linger.quiet, not halfClosed',
  async (kind, way) => {
    const handle = (req: IncomingMessage, res: ServerResponse): void => {
      req.once('data', () => {
        lettingGo[way]?.(req)
        res.writeHead(422).end()
      })
    }
    const tls = kind === 'https'
    const server = tls ? createTlsServer(credentials, handle) : createServer(handle)
    const connections = attach(server, {
      logger: quiet,
      linger: { quiet: 300 },
      halfClosed: 100_000,
      keepAlive: { timeout: 5_000, hold: 100_000 },
      drain: 'fast',
    })
    const port = await listening(server)
    const client = await Client.open({ port, tls })
    await client.send(postHead('/', 3 * MiB))
    void client.send(Buffer.alloc(MiB))
    expect((await client.next()).status).toBe(422)
    client.fin()
    await until('the connection gone', () => connections.stats().connections.closed === 1)
    await connections.drain()
  },
)

test.each(['http', 'https'])(
  '%s: so does one behind bytes that follow a CONNECT which has waited, and which is refused: its answer is delivered, and linger.quiet is not waited for',
  async (kind) => {
    let held: ServerResponse | undefined
    const handle = (req: IncomingMessage, res: ServerResponse): void => {
      if (held === undefined) held = res
      else req.resume().on('end', () => res.end('too'))
    }
    const tls = kind === 'https'
    const server = tls ? createTlsServer(credentials, handle) : createServer(handle)
    const linger = { quiet: 100_000, total: 100_000 }
    const connections = attach(server, { logger: quiet, linger, halfClosed: 100_000, drain: 'fast' })
    const port = await listening(server)
    const client = await Client.open({ port, tls })
    // Reading stops at a body that waits.
    await client.send(pipeline(get('/'), `${postHead('/', 1)}x`, 'CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n'))
    await until('the request', () => held !== undefined)
    await client.send('what would go through the tunnel')
    client.fin()
    await pass(50)
    held?.end('answered')
    for (const text of ['answered', 'too']) expect((await client.next()).text).toBe(text)
    await until('the connection gone', () => connections.stats().connections.closed === 1)
    expect(await client.closed()).toBe('fin')
    await connections.drain()
  },
)
