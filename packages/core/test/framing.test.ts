import { createServer } from 'node:http'
import { get, get10 } from '../../../test/support/requests.js'
import { endedAfterEach, quiet } from '../../../test/support/server.js'
import { attach } from '../src/index.js'

// Requests whose length is said twice, which only a lenient parser lets through.

const opened = endedAfterEach()

/** What a lenient server answers to `request` with another one hidden behind it, how the connection ends, and what ran. */
async function play(request: string) {
  const ran: string[] = []
  const server = createServer({ insecureHTTPParser: true }, (req, res) => {
    ran.push(req.url ?? '')
    req.resume().on('end', () => res.end('ok'))
    req.on('error', () => {})
  })
  attach(server, { drain: 'fast', logger: quiet })
  const client = await opened.connect(await opened.listen(server))
  await client.send(`${request}${get('/hidden')}`)
  const answer = await client.next()
  const ending = await client.closed()
  return { status: answer.status, closes: answer.closes, answers: client.answers.list.length, ending, ran }
}

const post = (version: string, ...fields: string[]) => `POST / HTTP/${version}\r\nHost: a\r\n${fields.join('\r\n')}\r\n\r\n`
const END = '0\r\n\r\n'

test.each([
  ['Content-Length first', post('1.1', 'Content-Length: 5', 'Transfer-Encoding: chunked')],
  ['Transfer-Encoding first', post('1.1', 'Transfer-Encoding: chunked', 'Content-Length: 5')],
  ['HTTP/1.0, asking for keep-alive', post('1.0', 'Connection: keep-alive', 'Content-Length: 5', 'Transfer-Encoding: chunked')],
])('the answer to a request with both lengths is the last of its connection (RFC 9112 §6.1): %s', async (_what, request) => {
  expect(await play(request + END)).toEqual({ status: 200, closes: true, answers: 1, ending: 'fin', ran: ['/'] })
})

test.each([
  ['both, not chunked at last', post('1.1', 'Content-Length: 5', 'Transfer-Encoding: gzip'), 400],
  ['chunked, but not at last', post('1.1', 'Transfer-Encoding: chunked, gzip'), 400],
  ['chunked in two fields', post('1.1', 'Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'), 400],
  ['HTTP/1.0, not chunked at last', post('1.0', 'Transfer-Encoding: gzip'), 400],
  ['a coding before chunked', post('1.1', 'Transfer-Encoding: gzip', 'Transfer-Encoding: chunked'), 501],
  ['two different lengths', post('1.1', 'Content-Length: 5', 'Content-Length: 6'), 400],
])('a request whose end cannot be told runs nothing (RFC 9112 §6.3): %s', async (_what, request, status) => {
  expect(await play(request + END)).toEqual({ status, closes: true, answers: 1, ending: 'fin', ran: [] })
})

test.each([
  ['HTTP/1.1', get('/')],
  ['HTTP/1.0 with keep-alive', get10('/', 'Connection: keep-alive')],
])('an answer behind one that Node has refused is sent whole: %s', async (_what, request) => {
  const server = createServer((req, res) => {
    res.statusMessage = 'not\nallowed'
    expect(() => res.end('short')).toThrow('Invalid character')
    res.statusMessage = 'Failed'
    // A head of its own would have no length over HTTP/1.0.
    if (req.httpVersionMinor === 1) res.writeHead(500)
    res.end('Internal Server Error')
  })
  attach(server, { drain: 'fast', logger: quiet })
  const client = await opened.connect(await opened.listen(server))
  const answer = await client.ask(request)
  expect({ closes: answer.closes, body: answer.body.toString() }).toEqual({ closes: false, body: 'Internal Server Error' })
})

// Without that length, the end of the connection would be the end of the body.
test("what Node has refused to send costs an HTTP/1.0 answer no Content-Length of the application's", async () => {
  const server = createServer((_req, res) => {
    res.setHeader('Content-Length', 5)
    expect(() => Reflect.apply(res.end, res, [12345])).toThrow('argument must be of type')
    res.write('hel')
    res.end('lo')
  })
  attach(server, { drain: 'fast', logger: quiet })
  const client = await opened.connect(await opened.listen(server))
  const { closes, text } = await client.ask(get10('/', 'Connection: keep-alive'))
  expect({ closes, text }).toEqual({ closes: false, text: 'hello' })
})
