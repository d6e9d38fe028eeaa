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

describe.each(['http', 'https'])('over %s, a FIN behind a body that its handler does not read, in a drain', (kind) => {
  const tls = kind === 'https'
  /** More than a request buffers, and not more than the kernel takes beside it: the FIN gets as far as the kernel. */
  const sent = 90_000
  const ignoring: Record<string, (req: IncomingMessage) => unknown> = {
    'never read': () => {},
    'piped into a stream that takes no more': (req) => req.pipe(new Writable({ write: () => {} })),
  }

  async function uploading(handle: (req: IncomingMessage, res: ServerResponse) => void, length: number) {
    const server = tls ? createTlsServer(credentials, handle) : createServer(handle)
    const drain = { deadline: 100_000, minRate: 240 }
    const connections = attach(server, { logger: quiet, halfClosed: 100_000, drain })
    const client = await Client.open({ port: await listening(server), tls })
    await client.send(postHead('/', length))
    void client.send(Buffer.alloc(sent))
    await until('the request', () => connections.stats().requests.received === 1)
    client.fin()
    return { client, drained: connections.drain() }
  }

  test.each(Object.keys(ignoring))('ends half a body that is %s: request and response are told', async (way) => {
    const told: string[] = []
    const handle = (req: IncomingMessage, res: ServerResponse): void => {
      ignoring[way]?.(req)
      req.on('error', () => {}).on('close', () => told.push('req'))
      res.on('close', () => told.push('res'))
    }
    const { client, drained } = await uploading(handle, MiB)
    await until('both to be told', () => told.length === 2)
    expect(await client.closed()).toBe('fin')
    const { clean, requests } = await drained
    expect([clean, requests.cut]).toEqual([true, 0])
  })

  test('leaves a whole body to a handler that takes its time', async () => {
    let bytes = 0
    const handle = (req: IncomingMessage, res: ServerResponse): void => {
      const count = (chunk: Buffer): void => {
        bytes += chunk.length
      }
      setTimeout(() => req.on('data', count).on('end', () => res.end('whole')), 2_000)
    }
    const { client, drained } = await uploading(handle, sent)
    expect((await client.next()).text).toBe('whole')
    expect(bytes).toBe(sent)
    expect((await drained).clean).toBe(true)
  })
})
