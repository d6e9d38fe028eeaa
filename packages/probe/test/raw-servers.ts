import { once } from 'node:events'
import type { Server, Socket } from 'node:net'

/** To be called once in a test file. Returns a function that lets a server listen, and resolves to its port. After each test the servers end, and their connections with them. */
export function rawServers(): (server: Server) => Promise<number> {
  const servers: Server[] = []
  const sockets = new Set<Socket>()
  afterEach(async () => {
    for (const socket of sockets) socket.destroy()
    await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))))
  })
  return async (server) => {
    servers.push(server)
    server.on('connection', (socket: Socket) => {
      sockets.add(socket)
      socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const address = server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }
}
