import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import net from 'node:net'

/** Connections that nobody has accepted yet: what Linux shows as the receive queue of a listening socket. */
export function acceptQueue(port: number): number {
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`
  for (const line of readFileSync('/proc/net/tcp', 'utf8').split('\n')) {
    const [, address, , state, queues] = line.trim().split(/\s+/)
    if (address === local && state === '0A') return Number.parseInt(queues?.split(':')[1] ?? '', 16)
  }
  return 0
}

/** Below the ports that outgoing connections take: one of those could have it while a server is replaced. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000)
    if (await isFree(port)) return port
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = net.createServer().listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
    server.close()
    await once(server, 'close')
    return true
  } catch {
    return false
  }
}
