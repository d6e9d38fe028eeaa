import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import type { Options } from '@halfclose/core'
import { FrameClient } from '../../../../test/support/h2/client.js'
import { frame, uint32 } from '../../../../test/support/h2/frames.js'
import { Arrivals, within } from '../../../../test/support/wait.js'

interface Way {
  options?: Options
  end: (client: FrameClient, stream: number, child: ChildProcess) => unknown
}

/** How a stream whose file is being read may end. */
const WAYS: Readonly<Record<string, Way>> = {
  'a frame for a stream that was never opened': {
    end: (client) => client.send(frame('WINDOW_UPDATE', 0, 201, uint32(1))),
  },
  'too large a window': { end: (client) => client.send(frame('WINDOW_UPDATE', 0, 0, uint32(2 ** 31 - 1))) },
  RST_STREAM: { end: (client, stream) => client.cancel(stream) },
  'a GOAWAY with an error, and a FIN': {
    end: (client) => {
      client.goaway(2)
      client.connection.fin()
    },
  },
  'a reset of the connection': { end: (client) => client.connection.raw.resetAndDestroy() },
  'a FIN, and its bound': { options: { halfClosed: 50 }, end: (client) => client.connection.fin() },
  'a flood of PINGs': {
    options: { http2: { control: 2 } },
    end: (client) => [1, 2, 3, 4].map(() => client.ping()),
  },
  'a flood of resets': {
    options: { http2: { resets: 1 } },
    end: (client) => [1, 2, 3, 4].map(() => client.cancel(client.ask('/'))),
  },
  "a drain's deadline": { options: { drain: { deadline: 50 } }, end: (_client, _stream, child) => child.send('drain') },
  'the application destroys its stream': { end: (_client, _stream, child) => child.send('stream') },
  'the application destroys its session': { end: (_client, _stream, child) => child.send('session') },
}

type Told = Arrivals<{ port?: number; reading?: number; survived?: boolean }>

interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<never>
  told: Told
}

let running: Running | undefined

/** One process for all ways, as long as it goes on. */
function run(): Running {
  const child = fork(join(__dirname, 'server.mjs'), { execArgv: ['--expose-gc'] })
  const ended = new Promise<never>((_, reject) =>
    child.on('exit', (code, signal) => {
      running = undefined
      reject(new Error(`the process ended: ${signal ?? code}`))
    }),
  )
  ended.catch(() => {})
  const started: Running = { child, ended, told: new Arrivals() }
  child.on('message', (message: object) => started.told.push(message))
  return started
}

afterAll(() => running?.child.kill())

describe.each(['file', 'fd', 'pushed'])('a stream ends while its file is being read: %s', (kind) => {
  test.each(Object.keys(WAYS))('%s: the process goes on', async (name) => {
    const { options = {}, end } = WAYS[name] ?? { end: () => {} }
    running ??= run()
    const { child, ended } = running
    const told: Told = new Arrivals()
    running.told = told
    const next = (index: number, what: string) => within(Promise.race([told.at(index), ended]), () => what, 20_000)
    child.send({ kind, options: { linger: { quiet: 50 }, ...options } })
    const { port = 0 } = await next(0, 'the server to listen')
    const client = await FrameClient.open({ port, tls: false, settings: kind === 'pushed' ? [[2, 1]] : [] })
    try {
      client.ask('/')
      const { reading = 0 } = await next(1, 'the response to be begun')
      void end(client, reading, child)
      expect(await next(2, 'the end of the stream')).toEqual({ survived: true })
    } catch (error) {
      child.kill() // the next test gets a process of its own
      running = undefined
      throw error
    } finally {
      client.connection.destroy()
      if (child.connected) child.send('stop')
    }
  })
})
