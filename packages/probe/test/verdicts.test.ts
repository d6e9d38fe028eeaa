import { readFileSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import path from 'node:path'
import { createServer as createTlsServer } from 'node:tls'
import { type Outcome, probe, type Result, rules } from 'halfclose-probe'
import { boundsOf } from '../src/engine/bounds.js'
import { Budget } from '../src/engine/budget.js'
import { check } from '../src/engine/check.js'
import { runChecks } from '../src/engine/run.js'
import { Scene } from '../src/engine/scene.js'
import { findOut } from '../src/engine/server-facts.js'
import { parseTarget } from '../src/engine/target.js'
import { broken, kept } from '../src/engine/verdict.js'
import { rawServers } from './raw-servers.js'

// Servers at the border of a rule: one that seems to keep it is found out, and one that keeps it in an unusual way passes.

const PATIENCE = 3_000
const UPLOAD = 14 * 1024 * 1024
const listening = rawServers()

interface Asked {
  head: string
  /** How many were asked before, on this connection. */
  before: number
  old: boolean
  closes: boolean
  malformed: boolean
}
type Reply = (asked: Asked, socket: Socket) => void | Promise<void>

/** Takes requests one after the other. Their bodies are read away, or taken for requests. */
function serveEach(reply: Reply, { idle = 5_000, bodies = true } = {}) {
  return (socket: Socket): void => {
    let [input, skip, before, busy] = ['', 0, 0, false]
    socket.setTimeout(idle, () => socket.end())
    const step = async (): Promise<void> => {
      const skipped = Math.min(skip, input.length)
      input = input.slice(skipped)
      skip -= skipped
      const end = input.indexOf('\r\n\r\n')
      if (busy || end < 0 || socket.writableEnded) return
      const head = input.slice(0, end)
      input = input.slice(end + 4)
      skip = bodies ? Number(/^content-length: (\d+)$/im.exec(head)?.[1] ?? 0) : 0
      busy = true
      const old = /HTTP\/1\.0/.test(head)
      const closes = /^connection:.*close/im.test(head) || (old && !/keep-alive/i.test(head))
      await reply({ head, before: before++, old, closes, malformed: /length: abc/i.test(head) }, socket)
      busy = false
      await step()
    }
    socket.setEncoding('latin1').on('data', (text: string) => {
      input += text
      void step()
    })
    socket.on('end', () => setTimeout(() => socket.end(), 20))
  }
}

const answer = (asked: Asked, ...fields: string[]): string =>
  ['HTTP/1.1 200 OK', 'Content-Length: 2', ...fields, '', asked.head.startsWith('HEAD') ? '' : 'ok'].join('\r\n')
const says = (socket: Socket, asked: Asked, ...fields: string[]): void => void socket.write(answer(asked, ...fields))
const after = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Keeps the rules that these tests do not ask for. */
const right: Reply = (asked, socket) => {
  if (asked.malformed) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
  else if (asked.closes) socket.end(answer(asked, 'Connection: close'))
  else says(socket, asked)
}

const WRONG: Record<string, { server: (socket: Socket) => void; fails: string[] }> = {
  'keeps every connection, and closes it once it has been idle': {
    server: serveEach((asked, socket) => says(socket, asked), { idle: 800 }),
    fails: [
      'a/close-plain',
      'a/close-case',
      'a/close-list',
      'a/close-two-lines',
      'a/close-beside-keep-alive',
      'a/http10-closes',
      'a/400-closes',
    ],
  },
  'says 400, and goes on': {
    server: serveEach(
      (asked, socket) => {
        if (asked.malformed) socket.write('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n')
        else right(asked, socket)
      },
      { idle: 800 },
    ),
    fails: ['a/400-closes'],
  },
  'closes without a word behind a malformed request': {
    server: serveEach((asked, socket) => void (asked.malformed ? socket.end() : right(asked, socket))),
    fails: ['a/400-closes'],
  },
  'runs what is behind close, slowly': {
    server: serveEach(async (asked, socket) => {
      await after(asked.before * 600)
      says(socket, asked)
    }),
    fails: ['a/close-nothing-behind'],
  },
  'begins an answer behind close': {
    server: serveEach((asked, socket) => {
      if (asked.before === 0) says(socket, asked)
      else socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf')
    }),
    fails: ['a/close-nothing-behind'],
  },
  'takes a body for requests, slowly': {
    server: serveEach(
      async (asked, socket) => {
        await after(asked.before * 300)
        says(socket, asked)
      },
      { bodies: false },
    ),
    fails: ['a/body-is-no-request'],
  },
  'sends chunks to HTTP/1.0 with keep-alive': {
    server: serveEach((asked, socket) => {
      if (!asked.old || asked.closes) return right(asked, socket)
      socket.write('HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n')
    }),
    fails: ['a/http10-end-shows'],
  },
}

const RIGHT: Record<string, { server: (socket: Socket) => void; passes: string[] }> = {
  'ends a connection behind its second answer, and says so': {
    server: serveEach((asked, socket) => {
      if (asked.before === 0) says(socket, asked)
      else socket.end(answer(asked, 'Connection: close'))
    }),
    passes: ['a/pipeline-order', 'a/pipeline-head-no-body'],
  },
  'speaks HTTP/1.0, which ends each connection without a word': {
    server: serveEach((asked, socket) => void socket.end(answer(asked).replace('HTTP/1.1', 'HTTP/1.0'))),
    passes: ['a/close-is-said', 'a/close-plain'],
  },
  'ends late, and resets what comes in the meantime': {
    server: serveEach(async (asked, socket) => {
      says(socket, asked)
      if (!asked.closes) return
      await after(700)
      socket.resetAndDestroy()
    }),
    passes: ['a/close-plain', 'a/http10-closes'],
  },
  'reads an upload slowly, and answers it whole': {
    server: (socket) => {
      let length = 0
      const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
      socket.on('data', (chunk) => {
        if (length === 0 && chunk.toString('latin1').startsWith('GET')) return void socket.write(ok)
        if (length < 100_000 && length + chunk.length >= 100_000) {
          // More waits than the buffers between client and server hold.
          socket.pause()
          setTimeout(() => socket.resume(), 1_500)
        }
        length += chunk.length
        if (length > UPLOAD) socket.write(ok)
      })
    },
    passes: ['a/early-answer'],
  },
}

async function verdicts(server: (socket: Socket) => void, only: string[]): Promise<Record<string, Outcome>> {
  const url = `http://127.0.0.1:${await listening(createServer({ allowHalfOpen: true }, server))}/`
  const { results } = await probe({ url, only, patience: PATIENCE, upload: UPLOAD })
  return Object.fromEntries(results.map(({ id, outcome }) => [id, outcome]))
}
const all = (ids: string[], outcome: Outcome) => Object.fromEntries(ids.map((id) => [id, outcome]))

test.concurrent.each(Object.entries(WRONG))('a server that %s fails', async (_name, { server, fails }) => {
  expect(await verdicts(server, fails)).toEqual(all(fails, 'fail'))
})

test.concurrent.each(Object.entries(RIGHT))('a server that %s passes', async (_name, { server, passes }) => {
  expect(await verdicts(server, passes)).toEqual(all(passes, 'pass'))
})

test('before TLS 1.3 no server can answer behind a close_notify: that is no verdict', async () => {
  const folder = path.join(__dirname, '../../../test/support/cert')
  const [key, cert] = ['key.pem', 'cert.pem'].map((file) => readFileSync(path.join(folder, file)))
  const server = createTlsServer({ key, cert, maxVersion: 'TLSv1.2' }, serveEach(right))
  const url = `https://127.0.0.1:${await listening(server)}/`
  const { facts, results } = await probe({ url, only: ['a/half-closed', 'a/half-closed-pipeline'], patience: PATIENCE })
  expect(facts.tls).toBe('TLSv1.2')
  expect(results.map(({ outcome, detail }) => `${outcome}: ${detail}`)).toEqual(
    Array(2).fill('not applicable: before TLS 1.3 a close_notify ends both directions (RFC 5246 §7.2.1)'),
  )
})

test('a promise of no time is none', async () => {
  const url = `http://127.0.0.1:${await listening(createServer(serveEach((asked, socket) => says(socket, asked, 'Keep-Alive: timeout=0'))))}/`
  const { results } = await probe({ url, only: ['a/keep-alive-honoured'], patience: PATIENCE })
  expect(results[0]?.detail).toBe('no Keep-Alive: timeout= is promised')
})

test('a server that ends while it is probed is told as one that no longer listens', async () => {
  let connections = 0
  const server: Server = createServer((socket) => {
    // The two connections of the first look, and then none.
    if (++connections === 2) server.close()
    serveEach(right)(socket)
  })
  const url = `http://127.0.0.1:${await listening(server)}/`
  const { results } = await probe({ url, only: ['a/close-plain'], patience: PATIENCE })
  expect(results[0]).toMatchObject({
    outcome: 'fail',
    detail: 'no connection: the connection is refused; no server listens there',
  })
})

test('tier a ends in time, also where a server lets every check wait', async () => {
  const port = await listening(
    createServer(serveEach((asked, socket) => (asked.before === 0 ? right(asked, socket) : undefined))),
  )
  const target = parseTarget(`http://127.0.0.1:${port}/`)
  const bounds = boundsOf({ patience: PATIENCE })
  const facts = await findOut(target, { ...bounds, answer: 200 })
  const waits = (id: string, phase: 'quick' | 'heavy', repeats: number) =>
    check<Scene, number>({
      ...rules[0]!,
      id,
      phase,
      repeats,
      look: async (scene: Scene) => {
        await after(scene.bounds.answer)
        return scene.bounds.answer
      },
      judge: (waited) => (waited > 60_000 ? kept('') : broken(`waited ${waited > 2_000 ? 'long' : 'less'}`)),
    })
  const began = performance.now()
  const results: Result[] = await runChecks({
    checks: [waits('a/1', 'quick', 3), waits('a/2', 'heavy', 1), waits('a/3', 'heavy', 1)],
    scene: (left) => new Scene(target, facts, { ...bounds, answer: Math.min(3_100, left) }),
    target,
    facts,
    budget: new Budget(),
    until: began + 4_500,
    floods: false,
    progress: () => {},
  })
  expect(performance.now() - began).toBeLessThan(6_500)
  expect(results.map(({ id, outcome, detail }) => `${id} ${outcome}: ${detail}`)).toEqual([
    'a/1 warn: waited long',
    'a/2 warn: waited less',
    'a/3 not applicable: no time is left for it: the server let other checks wait',
  ])
})
