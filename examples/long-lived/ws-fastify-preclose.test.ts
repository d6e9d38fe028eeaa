import { once } from 'node:events'
import websocket, { type WebsocketPluginOptions } from '@fastify/websocket'
import { halfclose } from '@halfclose/fastify'
import Fastify from 'fastify'
import WebSocket from 'ws'
import { get } from '../../test/support/requests.js'
import { within } from '../../test/support/wait.js'
import { Cast, portOf } from './testing/cast.js'

/** What @fastify/websocket does by itself, to compare. */
describe('the preClose of @fastify/websocket, without connections.signal', () => {
  const cast = new Cast()
  afterEach(() => cast.disband())

  async function closeWhileARequestIsInFlight(options: WebsocketPluginOptions) {
    const app = Fastify()
    await app.register(halfclose, { drain: { deadline: 20_000 } })
    await app.register(websocket, options)
    app.get('/socket', { websocket: true }, () => {})
    const order: string[] = []
    let answer: (body: string) => void = () => {}
    const asked = new Promise<void>((arrived) => {
      app.get('/held', () => {
        arrived()
        return new Promise<string>((resolve) => {
          answer = resolve
        })
      })
    })
    await app.listen({ port: 0, host: '127.0.0.1' })
    const port = portOf(app.server)
    const client = await cast.connect(port)
    void client.send(get('/held'))
    await asked
    const socket = new WebSocket(`ws://127.0.0.1:${port}/socket`)
    cast.also(() => socket.terminate())
    await once(socket, 'open')
    const goodbye = once(socket, 'close').then(([code]) => {
      order.push(`closed with ${code}`)
    })

    const closed = app.close()
    // A message and its answer: had the server closed when the drain began, that would have come first.
    const draining = new Promise((resolve) => app.halfclose.signal.addEventListener('abort', resolve))
    await within(draining, () => 'the drain begins')
    socket.ping()
    await within(once(socket, 'pong'), () => 'an answer to the ping')
    order.push('request answered')
    answer('late')
    expect(await client.next()).toMatchObject({ status: 200, closes: true, text: 'late' })
    await within(goodbye, () => 'the WebSocket is closed')
    await within(closed, () => 'app.close() resolves')
    expect(await app.halfclose.drain()).toMatchObject({ clean: true, heldBy: [] })
    return order
  }

  it('closes once the requests are answered, with no code, which clients see as 1005', async () => {
    expect(await closeWhileARequestIsInFlight({})).toEqual(['request answered', 'closed with 1005'])
  })

  it('closes with 1001 where the option says so, at the same late moment', async () => {
    const options: WebsocketPluginOptions = {
      preClose(done) {
        for (const client of this.websocketServer.clients) client.close(1001, 'restarting')
        this.websocketServer.close(done)
      },
    }
    expect(await closeWhileARequestIsInFlight(options)).toEqual(['request answered', 'closed with 1001'])
  })
})
