import { once } from 'node:events'
import { createServer } from 'node:http'
import express from 'express'
import { Server } from 'socket.io'
import { io, type Socket } from 'socket.io-client'
import { ask, get } from '../../test/support/requests.js'
import { within } from '../../test/support/wait.js'
import { Cast, portOf } from './testing/cast.js'

describe('examples/long-lived/socket-io, at SIGTERM in the middle of an exchange', () => {
  const cast = new Cast()
  afterEach(() => cast.disband())

  /** Listens from now on; waits once it is called. */
  function next(socket: Socket, event: string): () => Promise<string> {
    const happened = new Promise<string>((resolve) => socket.once(event, (what) => resolve(String(what))))
    return () => within(happened, () => `'${event}' of socket.io`, 15_000)
  }

  it.each(['websocket', 'polling'])(
    'sends a client to another process over %s, and answers what is in flight',
    async (transport) => {
      const [one, other] = await Promise.all([cast.start('socket-io.mjs'), cast.start('socket-io.mjs')])
      const balancer = await cast.relay(one.port)
      const socket = io(`http://127.0.0.1:${balancer.port}`, {
        transports: [transport],
        reconnectionDelay: 200,
        autoConnect: false,
      })
      cast.also(() => socket.disconnect())
      const connected = next(socket, 'connect')
      socket.connect()
      await connected()
      expect(await socket.timeout(5_000).emitWithAck('ask', 'one')).toBe('echo one')
      const inFlight = await cast.connect(one.port)
      await inFlight.send(`${ask('POST', '/echo', 'Content-Type: application/json', 'Content-Length: 16')}{"half":`)
      const kept = await cast.connect(one.port)
      expect(await kept.ask(get('/'))).toMatchObject({ status: 404, closes: false })

      balancer.to = other.port
      const [gone, back] = [next(socket, 'disconnect'), next(socket, 'connect')]
      one.example.terminate()
      expect(await gone()).toBe('transport close')
      expect(await kept.ask(get('/socket.io/?EIO=4&transport=polling'))).toMatchObject({ status: 403, closes: true })
      expect(await kept.closed()).toBe('fin')
      void inFlight.send('"close"}')
      expect(await inFlight.next()).toMatchObject({ status: 200, closes: true, text: '{"half":"close"}' })
      expect(await inFlight.closed()).toBe('fin')
      await back()
      expect(await socket.timeout(5_000).emitWithAck('ask', 'other')).toBe('echo other')
      expect(await one.example.exit).toEqual({ code: 0, signal: null })

      const goneAgain = next(socket, 'disconnect')
      other.example.terminate()
      await goneAgain()
      expect(await other.example.exit).toEqual({ code: 0, signal: null })
    },
  )

  it('without connections.attach() is governed from the first request on, and says what to write', async () => {
    const { example, port } = await cast.start('testing/socket-io-unattached.mjs')
    const socket = io(`http://127.0.0.1:${port}`, { autoConnect: false, reconnection: false })
    cast.also(() => socket.disconnect())
    const [connected, gone] = [next(socket, 'connect'), next(socket, 'disconnect')]
    socket.connect()
    await connected()
    expect(await socket.timeout(5_000).emitWithAck('ask', 'one')).toBe('echo one')
    expect(await (await cast.connect(port)).ask(get('/'))).toMatchObject({ status: 404, closes: true })
    await example.line(/HALFCLOSE_SERVER_NOT_GOVERNED.*connections\.attach\(server\)/)

    const inFlight = await cast.connect(port)
    await inFlight.send(`${ask('POST', '/echo', 'Content-Type: application/json', 'Content-Length: 16')}{"half":`)
    const kept = await cast.connect(port)
    expect(await kept.ask(get('/'))).toMatchObject({ status: 404, closes: false })
    example.terminate()
    await gone()
    expect(await kept.ask(get('/'))).toMatchObject({ status: 404, closes: true })
    void inFlight.send('"close"}')
    expect(await inFlight.next()).toMatchObject({ status: 200, closes: true, text: '{"half":"close"}' })
    expect(await inFlight.closed()).toBe('fin')
    expect(await example.exit).toEqual({ code: 0, signal: null })
  })

  it('without connections.attach(), and before the first request, ends with 0 on SIGTERM, and says what to write', async () => {
    const { example, port } = await cast.start('testing/socket-io-unattached.mjs')
    const socket = io(`http://127.0.0.1:${port}`, { autoConnect: false, reconnection: false })
    cast.also(() => socket.disconnect())
    const [connected, gone] = [next(socket, 'connect'), next(socket, 'disconnect')]
    socket.connect()
    await connected()
    example.terminate()
    // Its own connection is one that was not governed.
    await gone()
    expect(await example.exit).toEqual({ code: 0, signal: null })
    expect(example.lines.join('\n')).toMatch(/HALFCLOSE_SERVER_NOT_GOVERNED.*connections\.attach\(server\)/)
  })

  it('needs io.close() rather than disconnectSockets(): after that a client stays away', async () => {
    const app = express()
    const server = createServer(app)
    const sockets = new Server(server)
    server.listen(0, '127.0.0.1')
    cast.also(() => void sockets.close())
    await once(server, 'listening')
    const socket = io(`http://127.0.0.1:${portOf(server)}`, { autoConnect: false })
    cast.also(() => socket.disconnect())
    const [connected, gone] = [next(socket, 'connect'), next(socket, 'disconnect')]
    socket.connect()
    await connected()
    sockets.disconnectSockets()
    expect(await gone()).toBe('io server disconnect')
    expect(socket.active).toBe(false)
  })
})
