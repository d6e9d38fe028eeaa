import { readdirSync } from 'node:fs'
import { Example } from '../testing/child.js'
import { RawClient } from '../testing/raw-client.js'
import { listens } from '../testing/sigterm.js'

// The "after" of each page in docs/migration, stopped amid an exchange: what was in flight and what was promised is answered, and the database is closed
// when nobody needs it any more.

const body = '{"half":"close"}'
const get = 'GET / HTTP/1.1\r\nHost: example\r\n\r\n'
const files = readdirSync(__dirname).filter((name) => name.endsWith('.mjs') && name !== 'application.mjs')

test.concurrent.each(files)('%s', async (file) => {
  const example = new Example(__dirname, { DRAIN_DELAY: '0' }, file)
  const clients: RawClient[] = []
  const connect = async (port: number) => {
    const client = await RawClient.connect(port)
    clients.push(client)
    return client
  }
  try {
    const port = Number((await example.line(/listening .*?(\d+)(?:"|$)/))[1])
    const promised = await connect(port)
    expect(await promised.request(get)).toMatchObject({ status: 200, body: '{"hello":"world"}' })
    const inFlight = await connect(port)
    const fields = `Content-Type: application/json\r\nContent-Length: ${body.length}\r\nExpect: 100-continue`
    // `100 Continue` says that the head has arrived.
    expect((await inFlight.request(`POST / HTTP/1.1\r\nHost: example\r\n${fields}\r\n\r\n`)).status).toBe(100)
    inFlight.write(body.slice(0, 5))

    example.terminate()
    while (await listens(port)) await new Promise((resolve) => setTimeout(resolve, 20))
    const rescued = await promised.request(get)
    expect(example.lines.join('\n')).not.toContain('database closed')
    inFlight.write(body.slice(5))
    const finished = await inFlight.response()
    expect(finished).toMatchObject({ status: 200, body })
    expect(rescued).toMatchObject({ status: 200, body: '{"hello":"world"}' })
    for (const { headers } of [rescued, finished]) expect(headers.get('connection')).toBe('close')
    for (const client of clients) expect(await client.ended()).toEqual(['data', 'end', 'close'])
    expect(await example.exit).toEqual({ code: 0, signal: null })
    await example.line(/database closed/)
  } finally {
    for (const client of clients) client.destroy()
    example.kill()
  }
})
