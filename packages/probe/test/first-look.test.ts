import { readFileSync } from 'node:fs'
import { createSecureServer } from 'node:http2'
import { createServer, type Server } from 'node:net'
import path from 'node:path'
import { createServer as createTlsServer } from 'node:tls'
import { boundsOf } from '../src/engine/bounds.js'
import { type Facts, findOut, reason } from '../src/engine/server-facts.js'
import { parseTarget } from '../src/engine/target.js'
import { Client } from '../src/wire/index.js'
import { rawServers } from './raw-servers.js'

// What is said of servers that cannot be probed, and what is found out about the others.

const folder = path.join(__dirname, '../../../test/support/cert')
const [key, cert] = ['key.pem', 'cert.pem'].map((file) => readFileSync(path.join(folder, file)))
const port = rawServers()
const listening = async (server: Server): Promise<string> => `127.0.0.1:${await port(server)}`

/** What is found out, or the sentence. */
async function look(url: string): Promise<Facts | string> {
  const bounds = { ...boundsOf({ patience: 1_000 }), answer: 400 }
  return findOut(parseTarget(url), bounds).catch((error: Error) => error.message)
}

const writes = (...bytes: string[]) =>
  createServer((socket) => {
    for (const one of bytes) socket.write(one, 'latin1')
  })

test.each<[string, () => Server, string]>([
  ['it answers nothing', () => createServer(() => {}), 'takes a connection, but it does not answer a GET within 0.8 s.'],
  [
    'it closes at once',
    () => createServer((socket) => socket.once('data', () => socket.end())),
    'takes a connection, but it closes it without an answer to a GET; does it speak TLS (https)?',
  ],
  [
    'it speaks TLS',
    () => writes('\x15\x03\x01\x00\x02\x02\x46'),
    'takes a connection, but it speaks TLS: write https:// in front.',
  ],
  [
    'it says more and more that is no HTTP',
    () => writes('x'.repeat(100_000)),
    'takes a connection, but what it answers to a GET is not HTTP.',
  ],
  [
    'its Content-Length is no number',
    () => writes('HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\nok'),
    'is no HTTP: the answer to GET / begins with 200, and nobody can say where it ends.',
  ],
  [
    'it has two lengths',
    () => writes('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok'),
    'is no HTTP: the answer to GET / begins with 200, and nobody can say where it ends.',
  ],
  [
    'its answer has no end',
    () => writes('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ntick\r\n'),
    'cannot be probed: the answer to GET / begins with 200, and does not end within 0.8 s (4 bytes came). Name a path with a short answer.',
  ],
  [
    'its answer is broken off',
    () => createServer((socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhalf')),
    'cannot be probed: the answer to GET / begins with 200, and is broken off after 4 bytes.',
  ],
])('a server of which nothing can be said is a sentence: %s', async (_what, server, sentence) => {
  const url = `http://${await listening(server())}/`
  expect(await look(url)).toBe(`${url} ${sentence}`)
})

test('plain HTTP on a port of TLS, and TLS on a port of plain HTTP', async () => {
  const secure = await listening(createTlsServer({ key, cert }))
  expect(await look(`http://${secure}/`)).toMatch(/it speaks TLS: write https|does it speak TLS/)
  const plain = await listening(writes('HTTP/1.1 400 Bad Request\r\n\r\n'))
  expect(await look(`https://${plain}/`)).toBe(
    `https://${plain}/ cannot be reached: the TLS handshake failed; does it speak plain HTTP?`,
  )
})

test('a server that speaks HTTP/2 only, over TLS, is asked for HTTP/2 alone', async () => {
  const server = createSecureServer({ key, cert }, (_req, res) => res.end('ok'))
  expect(await look(`https://${await listening(server)}/`)).toMatchObject({ http1: false, http2: true, tls: 'TLSv1.3' })
})

test('the same Content-Length twice is one', async () => {
  const address = await listening(
    createServer((socket) =>
      socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\nContent-Length: 2\r\n\r\nok')),
    ),
  )
  expect(await look(`http://${address}/`)).toMatchObject({ http1: true, status: 200, persistent: true })
})

test('a client that keeps no bodies knows their length', async () => {
  const [host = '', port] = (
    await listening(writes(`HTTP/1.1 200 OK\r\nContent-Length: 500000\r\n\r\n${'x'.repeat(500_000)}`))
  ).split(':')
  const client = await Client.open({ host, port: Number(port), bodies: false })
  void client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  const { length, body } = await client.next()
  client.vanish()
  expect({ length, kept: body.length }).toEqual({ length: 500_000, kept: 0 })
})

test.each([
  ['ENOTFOUND', 'its name is not known'],
  ['EHOSTUNREACH', 'no answer comes from there'],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'the TLS handshake failed; does it speak plain HTTP?'],
])('%s in words', (code, words) => {
  expect(reason(Object.assign(new Error(code), { code }))).toBe(words)
})

test.each([
  [
    'http://[::1]:3000/a?b=c#d',
    { host: '::1', port: 3000, path: '/a?b=c', authority: '[::1]:3000', url: 'http://[::1]:3000/a?b=c' },
  ],
  ['localhost:8080', { host: 'localhost', port: 8080, path: '/', tls: false }],
  ['https://a.example/ü', { port: 443, path: '/%C3%BC', tls: true, authority: 'a.example' }],
  ['http://a:0/', { port: 0 }],
])('the parts of %s', (url, parts) => {
  expect(parseTarget(url)).toMatchObject(parts)
})
