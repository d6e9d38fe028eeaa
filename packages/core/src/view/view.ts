import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { isAttached } from '../handle/connections-of.js'
import { formatConnections } from '../handle/format-connections.js'
import { VIEW } from '../node/view-server.js'
import { section } from '../options/rules.js'
import { watchListen } from '../process/watch-listen.js'
import type { AttachableServer, Connections } from '../types.js'
import { isMeant, parseHosts } from './hosts.js'
import { page, policyOf } from './page.js'
import { Streams } from './streams.js'
import { LANES } from './timeline.js'

/** Options of {@link view}. */
export interface ViewOptions {
  /**
   * Names other than loopback by which the page may be requested, e.g. `['ops.internal']`, without regard to ports. Default: none. Requests by other names get 403, so
   * that no other site's page can read this one (DNS rebinding).
   */
  hosts?: readonly string[] | undefined
}

const HEADERS = {
  'Cache-Control': 'no-store',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
}
const TEXT = 'text/plain; charset=utf-8'
const FORMATS = ['html', 'json', 'text', 'events']

/**
 * A request listener that shows the connections of a handle: a page that follows them, and with `?format=json` or `?format=text` their present state. For a server of its
 * own, on loopback: it shows addresses and paths to everyone who asks. That server keeps neither the process nor a drain alive. Throws `HALFCLOSE_OPTION_…` for a wrong
 * option.
 */
export function view(connections: Connections, options?: ViewOptions): RequestListener {
  const fields = section(options, 'view', "an object such as { hosts: ['ops.internal'] }", ['hosts'])
  const hosts = parseHosts(fields.hosts)
  const streams = new Streams(connections)
  const listener = (req: IncomingMessage, res: ServerResponse): void => {
    req.resume()
    // An open page keeps the process alive no more than its server does.
    req.socket.unref()
    const format = formatOf(req)
    if (!isMeant(req, hosts))
      refuse(res, 403, 'This page answers to loopback names only; the option `hosts` of view() names others.')
    else if (req.method !== 'GET' && req.method !== 'HEAD') refuse(res, 405, 'GET or HEAD', { Allow: 'GET, HEAD' })
    else if (format === undefined) refuse(res, 404, 'There is one page here: /')
    else if (!FORMATS.includes(format)) refuse(res, 400, `format: ${FORMATS.join(', ')}`)
    else if (format === 'events') streams.open(req, res, HEADERS)
    else {
      const [type, body] = bodyOf(format, connections)
      const policy = format === 'html' ? { 'Content-Security-Policy': policyOf(true) } : {}
      res.writeHead(200, { ...HEADERS, ...policy, 'Content-Type': type, 'Content-Length': Buffer.byteLength(body) })
      res.end(req.method === 'HEAD' ? undefined : body)
    }
  }
  const watcher = {
    adopt(server: AttachableServer): void {
      if (server.listeners('request').includes(listener) && !isAttached(server)) server.unref()
    },
  }
  watchListen(watcher)
  // Stored on the listener, so that the watcher lives as long.
  return Object.assign(listener, { [VIEW]: watcher })
}

/** The requested format; `undefined`: another page. */
function formatOf({ url = '' }: IncomingMessage): string | undefined {
  const [path, query = ''] = url.split('?')
  return path === '/' ? (new URLSearchParams(query).get('format') ?? 'html') : undefined
}

function bodyOf(format: string, connections: Connections): [type: string, body: string] {
  if (format === 'html') return ['text/html; charset=utf-8', page('halfclose')]
  const { state } = connections
  const { open, unseen = 0 } = connections.stats()
  const remaining = state === 'serving' ? null : Math.round(connections.remaining())
  const list = connections.list({ limit: LANES })
  if (format === 'json') return ['application/json', JSON.stringify({ state, remaining, open, unseen, connections: list })]
  const counts = Object.entries(open).flatMap(([name, n]) => (n > 0 ? [`${n} ${name}`] : []))
  const left = remaining === null ? '' : `, ${(remaining / 1_000).toFixed(1)} s left`
  return [TEXT, `${state}${left}: ${counts.join(', ') || 'nothing'} open\n\n${formatConnections(list)}\n`]
}

function refuse(res: ServerResponse, status: number, why: string, headers: Record<string, string> = {}): void {
  res.writeHead(status, { ...HEADERS, ...headers, 'Content-Type': TEXT }).end(`${why}\n`)
}
