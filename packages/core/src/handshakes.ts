import type { Socket } from 'node:net'
import { performance } from 'node:perf_hooks'

interface Handshake {
  readonly socket: Socket
  readonly openedAt: number
}

/**
 * TLS connections whose handshake is not finished: HTTP does not know them yet, but a drain must bound them. A finished one is
 * found again by its peer's address and port, since the link between a TLS socket and the raw one below it is private; a unix domain
 * socket has none, and is not watched.
 */
export class Handshakes {
  readonly #open = new Map<string, Handshake>()

  get size(): number {
    return this.#open.size
  }

  begin(socket: Socket, onEnd: () => void): void {
    const key = keyOf(socket)
    if (key === undefined) return
    this.#open.set(key, { socket, openedAt: performance.now() })
    socket.once('close', () => {
      if (this.#open.get(key)?.socket !== socket) return
      this.#open.delete(key)
      onEnd()
    })
  }

  /** Returns the raw socket below. */
  finish(secure: Socket): Socket | undefined {
    const key = keyOf(secure)
    if (key === undefined) return undefined
    const raw = this.#open.get(key)?.socket
    this.#open.delete(key)
    return raw
  }

  /** Destroys those for which `due` says so: there is no response to lose. */
  destroyWhere(due: (openedAt: number) => boolean): void {
    for (const { socket, openedAt } of [...this.#open.values()]) if (due(openedAt)) socket.destroy()
  }
}

function keyOf(socket: Socket): string | undefined {
  if (socket.remoteAddress === undefined) return undefined
  return `${socket.remoteAddress} ${socket.remotePort} ${socket.localAddress} ${socket.localPort}`
}
