import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'

export function portOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** A load balancer, as small as can be: passes each connection on to where `to` points when it comes. */
export class Relay {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(public to: number) {
    this.#server = createServer({ allowHalfOpen: true }, (client) => {
      const upstream = connect({ host: '127.0.0.1', port: this.to, allowHalfOpen: true })
      this.#join(client, upstream)
      this.#join(upstream, client)
    })
  }

  static async listen(to: number): Promise<Relay> {
    const relay = new Relay(to)
    relay.#server.listen(0, '127.0.0.1')
    await once(relay.#server, 'listening')
    return relay
  }

  get port(): number {
    return portOf(this.#server)
  }

  close(): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  #join(from: Socket, to: Socket): void {
    this.#sockets.add(from)
    from.pipe(to)
    from.on('error', () => to.destroy())
    from.on('close', () => this.#sockets.delete(from))
  }
}
