import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import { attach } from '@halfclose/core'

/**
 * @typedef {{
 *   port: number, connections: import('@halfclose/core').Connections,
 *   stats: () => Promise<import('@halfclose/core').Stats>, stop: () => Promise<void>
 * }} Served
 */

/**
 * A server under a policy, on a port of its own.
 * @param {http.RequestListener} handler
 * @param {import('@halfclose/core').Options} [options]
 * @param {{ tls?: boolean, port?: number }} [how]
 * @returns {Promise<Served>}
 */
export async function serve(handler, options = {}, { tls = false, port = 0 } = {}) {
  const server = tls ? https.createServer(certificate(), handler) : http.createServer(handler)
  const connections = attach(server, { drain: 'fast', ...options })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const address = /** @type {import('node:net').AddressInfo} */ (server.address())
  return {
    port: address.port,
    connections,
    stats: () => settledStats(connections),
    stop: async () => void (await connections.drain({ reason: 'the experiment is over', fast: true })),
  }
}

/**
 * The counters once every connection has ended: `reuse` and `closedFirst` are counted at the end.
 * @param {import('@halfclose/core').Connections} connections
 * @returns {Promise<import('@halfclose/core').Stats>}
 */
function settledStats(connections) {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error('a connection has not ended after 10 s')), 10_000)
    const look = () => {
      const stats = connections.stats()
      if (stats.connections.opened !== stats.connections.closed) return
      clearTimeout(late)
      connections.off('close', look)
      resolve(stats)
    }
    connections.on('close', look)
    look()
  })
}

/** Answers with a body of so many bytes. @param {number} bytes @returns {http.RequestListener} */
export function answering(bytes) {
  const body = Buffer.alloc(bytes, 'halfclose ')
  return (_request, response) => void response.setHeader('Content-Length', bytes).end(body)
}

/** The certificate of this repository's tests, for localhost. */
export function certificate() {
  const folder = new URL('../../test/support/cert/', import.meta.url)
  return { key: readFileSync(new URL('key.pem', folder)), cert: readFileSync(new URL('cert.pem', folder)) }
}
