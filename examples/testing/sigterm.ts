import { once } from 'node:events'
import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Example } from './child.js'
import { RawClient } from './raw-client.js'

const get = (path: string, fields = '') => `GET ${path} HTTP/1.1\r\nHost: example\r\n${fields}\r\n`
const body = '{"half":"close"}'

/** What differs from one example to the next. */
export interface Variation {
  file?: string
  /** Where it says `{"hello":"world"}`. */
  hello?: string
  /** Where it sends JSON back. It prints the path when the head of the request has arrived. */
  echo?: string
  /** What else must be so in the end. */
  ended?: (lines: readonly string[]) => void
}

/** What every example must do when SIGTERM comes in the middle of an exchange. */
export function itKeepsItsPromises(directory: string, variation: Variation = {}): void {
  const { file, hello = '/', echo = '/echo', ended } = variation
  let example: Example
  let clients: RawClient[]

  beforeEach(() => {
    // Long enough to be seen, short enough to wait for.
    example = new Example(directory, { DRAIN_DELAY: '1000' }, file)
    clients = []
  })

  afterEach(() => {
    for (const client of clients) client.destroy()
    example.kill()
  })

  async function connect(port: number): Promise<RawClient> {
    const client = await RawClient.connect(port)
    clients.push(client)
    return client
  }

  it('answers what was in flight and who was promised, says close, sends FIN and exits with 0', async () => {
    const port = Number((await example.line(/listening .*?(\d+)(?:"|$)/))[1])

    const inFlight = await connect(port)
    inFlight.write(
      `POST ${echo} HTTP/1.1\r\nHost: example\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`,
    )
    inFlight.write(body.slice(0, 5))
    await example.line(new RegExp(echo))

    const promised = await connect(port)
    const first = await promised.request(get(hello))
    expect(first).toMatchObject({ status: 200, body: '{"hello":"world"}' })
    expect(first.headers.get('keep-alive')).toBe('timeout=5')
    expect(first.headers.get('connection')).toBe('keep-alive')

    const probe = await connect(port)
    expect((await probe.request(get('/ready'))).status).toBe(200)

    example.terminate()
    // On connections of their own: while it leaves, more and more of them are told to go.
    while ((await (await connect(port)).request(get('/ready', 'Connection: close\r\n'))).status !== 503) await sleep(20)
    // Told already, and still served: a load balancer has not noticed yet.
    const late = await connect(port)
    expect(await late.request(get(hello, 'Connection: close\r\n'))).toMatchObject({ status: 200, body: '{"hello":"world"}' })

    while (await listens(port)) await sleep(20)
    expect((await probe.request(get('/ready', 'Connection: close\r\n'))).status).toBe(503)

    inFlight.write(body.slice(5))
    const echoed = await inFlight.response()
    expect(echoed).toMatchObject({ status: 200, body })
    expect(echoed.headers.get('connection')).toBe('close')
    expect(echoed.headers.has('keep-alive')).toBe(false)

    const second = await promised.request(get(hello))
    expect(second).toMatchObject({ status: 200, body: '{"hello":"world"}' })
    expect(second.headers.get('connection')).toBe('close')

    for (const client of clients) {
      expect(await client.ended()).toEqual(['data', 'end', 'close'])
      expect(client.text).toBe('')
    }
    expect(await example.exit).toEqual({ code: 0, signal: null })
    ended?.(example.lines)
  })
}

export async function listens(port: number): Promise<boolean> {
  const socket = net.connect({ host: '127.0.0.1', port })
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
