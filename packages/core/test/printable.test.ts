import { once } from 'node:events'
import { createServer as createHttp1 } from 'node:http'
import { createServer } from 'node:http2'
import { FrameClient } from '../../../test/support/h2/client.js'
import { get } from '../../../test/support/requests.js'
import { endedAfterEach } from '../../../test/support/server.js'
import { until, within } from '../../../test/support/wait.js'
import { attach, formatConnections, formatReport } from '../src/index.js'

/** ESC [ as one character, and the next line: both are allowed in a path of HTTP/2. Node takes neither over HTTP/1. */
const PATH = '/a\u009b31mb\u0085c'

test('nothing that a client has chosen commands a terminal, or begins a line of the log', async () => {
  const lines: string[] = []
  const note = (_: object, line: string) => void lines.push(line)
  const server = createServer(() => {})
  const connections = attach(server, { drain: { delay: 0, deadline: 3_000 }, logger: { info: note, warn: note } })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  const client = await FrameClient.open({ port: typeof address === 'object' && address !== null ? address.port : 0 })
  client.ask(PATH)
  await until('it is held', () => connections.stats().open.busy === 1)
  lines.push(formatConnections(connections.list()))
  const report = await within(connections.drain(), () => 'the drain')
  lines.push(formatReport(report))
  client.connection.destroy()
  // As it was sent: whoever reads it as data has all of it.
  expect(report.heldBy[0]?.path).toMatch(/\u009b/)
  const named = lines.filter((line) => line.includes('31mb'))
  expect(named.map((line) => /draining|not clean|STATE/.exec(line)?.[0])).toEqual(['STATE', 'draining', 'not clean', 'not clean'])
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are looked for
  expect(named.filter((line) => /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/.test(line))).toEqual([])
})

const opened = endedAfterEach()

test('of a long path that a client has chosen the log has the beginning, and the report all', async () => {
  const lines: string[] = []
  const note = (_: object, line: string) => void lines.push(line)
  const server = createHttp1((req, res) => {
    if (req.url?.endsWith('short') === true) res.writeHead(200, { 'Content-Length': 5 }).end('x')
  })
  const connections = attach(server, { drain: { deadline: 2_500 }, logger: { info: note, warn: note } })
  const port = await opened.listen(server)
  const path = `/${'p'.repeat(8_000)}`
  const [held, short] = [await opened.connect(port), await opened.connect(port)]
  await held.send(get(path))
  await short.send(get(`${path}short`))
  await until('one is held, and one was too short', () => lines.some((line) => line.includes('Content-Length')))
  const report = await within(connections.drain(), () => 'the drain')
  expect(report.heldBy.map((one) => one.path)).toEqual([path])
  const named = [...lines, formatReport(report)]
    .join('\n')
    .split('\n')
    .filter((line) => line.includes('ppp'))
  expect(named.map((line) => /Content-Length|draining|busy/.exec(line)?.[0])).toEqual([
    'Content-Length',
    'draining',
    'busy',
    'busy',
  ])
  for (const line of named) expect(line.length).toBeLessThan(500)
})
