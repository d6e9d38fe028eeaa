// What a host is run with. A peer is set up as its own documentation shows it first, with its defaults (terminus would end the process by a
// signal, which leaves it no time to report: hence useExit0).

import { AsyncResource } from 'node:async_hooks'
import { Socket } from 'node:net'
import { createTerminus } from '@godaddy/terminus'
import { prometheus } from '@halfclose/core/metrics'
import gracefulShutdown from 'http-graceful-shutdown'
import { createHttpTerminator } from 'http-terminator'
import client from 'prom-client'
import stoppable from 'stoppable'

/** More requests than any run sends on a connection: the counting is what costs, not the closing. */
const NEVER_REACHED = 100_000_000

/**
 * `options`: halfclose with these; `measure`: is given its handle; `wrap`: a peer, which returns how it is told to stop. With neither it is the bare host; `again` is the
 * bare host once more, in another process: what differs between the two is noise.
 */
export const variants = {
  bare: {},
  again: {},
  halfclose: { options: {} },
  counting: { options: { keepAlive: { maxRequests: NEVER_REACHED } } },
  /** With metrics on. Nobody scrapes meanwhile: under callgrind that would count fifty times as much as in earnest. */
  metrics: { options: {}, measure: (connections) => void prometheus(connections, { client }) },
  /** The bare host in which V8 keeps one thing in mind that it forgets otherwise (core/src/node/v8-next-tick-shape.ts): what is left then is what a policy costs. */
  'tick-shape': {
    wrap() {
      const symbols = Object.getOwnPropertySymbols(new AsyncResource('BENCH'))
      const [id, trigger] = ['async_id_symbol', 'trigger_async_id_symbol'].map((name) =>
        symbols.find(({ description }) => description === name),
      )
      globalThis.keptTick = { [id]: 0.5, [trigger]: 0.5, callback() {}, args: undefined }
    },
  },
  /** What the output-first close costs by itself, with no policy around it: what it would be at the least. */
  'output-first': {
    wrap(server) {
      server.httpAllowHalfOpen = true
      server.on('connection', (socket) => {
        socket.destroySoon = socket.end
        socket.push = endAtFin
      })
    },
  },
  'http-terminator': {
    wrap(server) {
      const terminator = createHttpTerminator({ server })
      return () => terminator.terminate()
    },
  },
  stoppable: {
    wrap(server) {
      stoppable(server)
      return () => new Promise((resolve) => server.stop(resolve))
    },
  },
  terminus: {
    wrap(server) {
      createTerminus(server, { healthChecks: { '/healthcheck': async () => {} }, useExit0: true })
      return bySignal
    },
  },
  'http-graceful-shutdown': {
    wrap(server) {
      gracefulShutdown(server)
      return bySignal
    },
  },
}

function endAtFin(chunk, encoding) {
  if (chunk === null && this.writableFinished) this.destroy()
  else return Socket.prototype.push.call(this, chunk, encoding)
}

/** These two end the process themselves. */
function bySignal() {
  process.kill(process.pid, 'SIGTERM')
  return new Promise(() => {})
}

export const labels = {
  bare: 'bare',
  again: 'bare again (noise)',
  halfclose: 'halfclose',
  counting: 'halfclose, maxRequests',
  metrics: 'halfclose, metrics',
  'tick-shape': 'bare, tick shape kept',
  'output-first': 'bare, but output first',
  terminus: '@godaddy/terminus',
}

export const labelOf = (variant) => labels[variant] ?? variant
export const hosts = ['http', 'express', 'fastify']
