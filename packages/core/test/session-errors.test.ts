import { createSecureServer, createServer } from 'node:http2'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { attach } from '@halfclose/core'
import { credentials } from '../../../test/support/hosts/http.js'
import { listening, quiet } from '../../../test/support/server.js'
import { until } from '../../../test/support/wait.js'

/** The preface, and empty SETTINGS. */
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', 'latin1')
/** HEADERS on stream 0. */
const BROKEN = Buffer.from([0, 0, 1, 1, 5, 0, 0, 0, 0, 0x82])
/** GOAWAY on stream 0 that names stream 0 and PROTOCOL_ERROR. */
const GOAWAY = Buffer.from([0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])

async function opened(port: number, tls: boolean): Promise<Socket> {
  const socket = tls ? connectTls({ port, rejectUnauthorized: false, ALPNProtocols: ['h2'] }) : connect({ port })
  await new Promise((resolve) => socket.once(tls ? 'secureConnect' : 'connect', resolve))
  return socket
}

test.each(['http2', 'https2'])(
  '%s: a client that breaks the protocol, goes on sending and reads late loses no GOAWAY to a reset',
  async (kind) => {
    const tls = kind === 'https2'
    const server = tls ? createSecureServer(credentials) : createServer()
    const connections = attach(server, { logger: quiet, linger: { quiet: 20_000 }, drain: 'fast' })
    const client = await opened(await listening(server), tls)
    const errors: unknown[] = []
    client.on('error', (error) => errors.push(error))
    const closed = new Promise((resolve) => client.once('close', resolve))
    client.write(PREFACE)
    client.write(Buffer.concat([BROKEN, Buffer.alloc(8_000_000)]))
    await until(
      'the server has ended its output',
      () => connections.stats().open.lingering + connections.stats().connections.closed > 0,
    )
    // All that it sent was read.
    await until('the client has sent everything', () => client.writableLength === 0 || client.destroyed)
    const chunks: Buffer[] = []
    client.on('data', (chunk: Buffer) => chunks.push(chunk))
    await closed
    expect(errors).toEqual([])
    expect(Buffer.concat(chunks).includes(GOAWAY)).toBe(true)
    await until('it is gone', () => connections.stats().closes.error === 1)
    await connections.drain()
  },
)
