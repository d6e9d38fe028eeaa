// The recipe of docs/forwarding.md, word for word: proxy.test.ts compares the two.
import { createServer } from 'node:http'
import { PassThrough } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { attach, endToEndHeaders } from '@halfclose/core'
import { Pool } from 'undici'

/** Forwards everything to one origin, e.g. `http://127.0.0.1:8080`. */
export function createProxy(origin, options) {
  const pool = new Pool(origin)
  const server = createServer((req, res) => forward(pool, req, res))
  const connections = attach(server, options)
  connections.on('state', ({ state }) => {
    if (state === 'drained') pool.close()
  })
  return { server, connections }
}

async function forward(pool, req, res) {
  const gone = new AbortController()
  res.once('close', () => gone.abort())
  try {
    const answer = await pool.request({
      method: req.method,
      path: req.url,
      headers: headersFor(req),
      body: bodyOf(req),
      signal: gone.signal,
      responseHeaders: 'raw',
    })
    res.writeHead(answer.statusCode, endToEndHeaders(answer.headers))
    await pipeline(answer.body, res)
  } catch (error) {
    if (res.headersSent) res.destroy(error)
    else res.writeHead(502).end()
  }
}

function headersFor(req) {
  const onRefused = (name) => console.warn(`${req.socket.remoteAddress} tried to have ${name} removed`)
  const headers = endToEndHeaders(req.rawHeaders, { onRefused, keep: ['X-User'] })
  const own = ['Via', `${req.httpVersion} proxy.example`, 'X-Forwarded-For', req.socket.remoteAddress]
  // Node has answered it with 100 Continue already.
  return [...headers.filter((_, i) => headers[i - (i % 2)].toLowerCase() !== 'expect'), ...own]
}

function bodyOf(req) {
  const has = req.headers['content-length'] !== undefined || req.headers['transfer-encoding'] !== undefined
  if (!has) return null
  // Not `req` itself: where the origin answers early, undici destroys the body, and the client's connection would go with it.
  // What the origin did not want is read and thrown away: a client that is still sending would never come to read the answer.
  return req.pipe(new PassThrough()).once('close', () => req.resume())
}
