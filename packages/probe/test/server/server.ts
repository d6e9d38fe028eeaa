import { readFileSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import path from 'node:path'
import type { Duplex } from 'node:stream'
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls'
import { PREFACE, Records, tap } from 'halfclose-probe/wire'
import { type Faults, type Shared, shared } from './faults.js'
import { Http1 } from './http1.js'
import { Http2 } from './http2.js'

/** A server of raw sockets that keeps every rule of the probe, but those that its faults name. */
export interface FaultyServer {
  server: Server
  port: number
  shared: Shared
  close(): Promise<void>
}

export async function serve(faults: Faults, { tls = false, port = 0 } = {}): Promise<FaultyServer> {
  const common = shared(faults)
  const secureContext = tls ? certificate() : undefined
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => {})
    accept(socket, common, secureContext)
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const address = server.address()
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      for (const socket of sockets) socket.destroy()
    })
  return { server, port: typeof address === 'object' && address !== null ? address.port : 0, shared: common, close }
}

function accept(socket: Socket, common: Shared, secureContext: SecureContext | undefined): void {
  if (dropsLate(common)) socket.resetAndDestroy()
  else if (secureContext) secured(socket, common, secureContext)
  else sniff(socket, socket, common)
}

function secured(socket: Socket, common: Shared, secureContext: SecureContext): void {
  const secure = new TLSSocket(tap(socket, new Records()), {
    isServer: true,
    secureContext,
    ALPNProtocols: ['h2', 'http/1.1'],
  })
  secure.on('error', () => {})
  secure.once('secure', () => {
    if (secure.alpnProtocol === 'h2') new Http2(socket, secure, common, Buffer.alloc(0))
    else void new Http1(socket, secure, common).run()
  })
}

const dropsLate = ({ faults, stoppedAt }: Shared): boolean =>
  faults.has('c/refused-after') && stoppedAt !== undefined && Date.now() > stoppedAt + 150

/** HTTP/2 by prior knowledge shows in the first bytes. A silent connection is one of HTTP/1. */
function sniff(raw: Socket, stream: Duplex, common: Shared): void {
  const http1 = new Http1(raw, stream, common)
  void http1.run(
    () => {
      const begun = http1.input.peek(PREFACE.length)
      return begun === PREFACE.toString('latin1').slice(0, begun.length) && begun.length > 3
    },
    (input) => new Http2(raw, stream, common, input),
  )
}

function certificate() {
  const folder = path.join(process.env.HALFCLOSE_ROOT ?? path.join(__dirname, '../../../..'), 'test/support/cert')
  return createSecureContext({
    cert: readFileSync(path.join(folder, 'cert.pem')),
    key: readFileSync(path.join(folder, 'key.pem')),
  })
}
