import { deepEqual, equal } from 'node:assert/strict'
import type { Socket } from 'node:net'
import type { Client } from '../../support/client.js'
import type { Case } from '../../support/contract.js'
import { closes } from '../../support/expect.js'
import type { Host, Route } from '../../support/host.js'
import { get, pipeline } from '../../support/requests.js'
import { deferred, until } from '../../support/wait.js'

const routes: Record<string, Route> = {
  '/answers-and-ends': ({ socket }, res) => {
    res.end('the last')
    socket.end()
  },
  '/answers-late-and-ends': ({ socket }, res) => {
    setTimeout(() => {
      res.end('the last')
      socket.end()
    }, 100)
  },
}

/** The application shuts the output of a connection that is idle. */
async function endIdle(host: Host): Promise<Socket> {
  const { socket } = (await host.request('/first')).req
  socket.end()
  return socket
}

/** The server has read all that the client has sent when it closes the connection behind the client's FIN: then this is what it has run. */
async function hasRun(host: Host, client: Client, socket: Socket, paths: readonly string[]): Promise<void> {
  client.fin()
  await until('the server to close the connection', () => socket.destroyed)
  deepEqual(host.paths, paths)
}

const behind = (id: string, path: string, what: string): Case => ({
  id: `socket-end/${id}`,
  rules: ['R120', 'R122', 'R095'],
  title: `behind an answer and socket.end() no request is run that is pipelined, ${what}: it could not be answered`,
  run: async (host) => {
    const client = await host.connect({ obliging: false })
    void client.send(pipeline(get(path), get('/never')))
    equal((await client.next()).text, 'the last')
    equal(await client.closed(), 'fin')
    await hasRun(host, client, (await host.request(path)).req.socket, [path])
  },
})

const cases: Case[] = [
  behind('pipelined', '/answers-and-ends', 'and arrives with the one before'),
  behind('waiting', '/answers-late-and-ends', 'and waits'),
  {
    id: 'socket-end/idle',
    rules: ['R120', 'R122'],
    title: 'nor one that crosses the socket.end() of an idle connection',
    run: async (host) => {
      const client = await host.idleClient({ obliging: false })
      const socket = await endIdle(host)
      equal(await client.closed(), 'fin')
      await client.send(get('/never'))
      await hasRun(host, client, socket, ['/first'])
    },
  },
  {
    id: 'socket-end/drain',
    regression: true,
    rules: ['R123', 'R204'],
    title:
      'an idle connection that was ended by socket.end() is closed within the bounds of linger, and holds no drain for its promise',
    options: { keepAlive: { timeout: 30_000 }, drain: { delay: 0, deadline: 60_000 }, linger: { quiet: 500 } },
    server: { keepAliveTimeout: 30_000 },
    run: async (host) => {
      const client = await host.idleClient({ obliging: false })
      await endIdle(host)
      equal(await client.closed(), 'fin')
      await host.stop()
    },
  },
  {
    id: 'socket-end/turned-away',
    rules: ['R120'],
    title: "no request is run of a connection that a 'connection' listener has ended",
    run: async (host) => {
      const accepted = deferred<Socket>()
      host.server.on(host.tls ? 'secureConnection' : 'connection', (socket: Socket) => accepted.resolve(socket.end()))
      const client = await host.connect({ obliging: false })
      await client.send(get('/never'))
      equal(await client.closed(), 'fin')
      await hasRun(host, client, await accepted.promise, [])
    },
  },
  {
    id: 'socket-end/close-announced',
    regression: true,
    rules: ['R118', 'R119'],
    title: 'a last answer arrives whole where the application then ends the socket, too',
    routes: {
      '/close': ({ socket }, res) => {
        res.writeHead(200, { Connection: 'close' }).end('whole')
        socket.end()
      },
    },
    run: async (host) => {
      const client = await host.connect()
      const answer = await client.ask(get('/close'))
      closes(answer)
      equal(answer.text, 'whole')
      equal(await client.closed(), 'fin')
    },
  },
]

/** What follows when the application calls `socket.end()` itself. */
export const socketEnd: Case[] = cases.map((one) => ({ routes, ...one }))
