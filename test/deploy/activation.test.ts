import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { where } from '../support/where.js'
import { Backend, type Restart } from './backend.mjs'
import { endAll } from './children.mjs'
import { modes } from './settings.mjs'

const RESTARTS = 4
const NEW_CONNECTION_EVERY = 8
/** On a slow machine no more than these are under way: connections that pile up would tell of the machine. */
const AT_ONCE = 100

/** A new connection with one request; says how it went, and whether the service promised to keep the connection. */
async function visit(port: number, id: number): Promise<string> {
  const socket = net.connect(port, '127.0.0.1')
  let answer = ''
  socket.setEncoding('latin1').on('data', (text: string) => {
    answer += text
    if (answer.includes(`{"id":"${id}"}`)) socket.end()
  })
  socket.write(`GET /hello/${id} HTTP/1.1\r\nHost: activation\r\n\r\n`)
  try {
    await once(socket, 'close', { signal: AbortSignal.timeout(30_000) })
  } catch (error) {
    return `${(error as NodeJS.ErrnoException).code} after ${JSON.stringify(answer)}`
  } finally {
    socket.destroy()
  }
  return answer.startsWith('HTTP/1.1 200 ') && answer.endsWith(`{"id":"${id}"}`) ? 'served' : JSON.stringify(answer)
}

/** New connections all the time, until `stop` is called: that resolves to what became of them. */
function load(port: number): { stop(): Promise<Record<string, number>> } {
  const visits: Promise<string>[] = []
  let open = 0
  const timer = setInterval(() => {
    if (open === AT_ONCE) return
    open++
    visits.push(visit(port, visits.length).finally(() => open--))
  }, NEW_CONNECTION_EVERY)
  return {
    async stop() {
      clearInterval(timer)
      const counts: Record<string, number> = {}
      for (const outcome of await Promise.all(visits)) counts[outcome] = (counts[outcome] ?? 0) + 1
      return counts
    },
  }
}

// The bare frameworks pass this, too, where every client opens a connection for each request: what is guarded is that the drain leaves
// a listening socket alone that others go on using, and that both adapters can be given one.
const linux = where(process.platform === 'linux', 'systemd is on Linux')
linux.describe(`a listening socket passed in by systemd (\`listen({ fd: 3 })\`)${linux.note}`, () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'halfclose-activation-'))
  afterAll(() => {
    endAll()
    rmSync(folder, { recursive: true, force: true })
  })

  it.each(['express', 'fastify'] as const)(
    '%s: `systemctl restart` under load refuses and resets no connection',
    async (framework) => {
      const plan = {
        framework,
        policy: 'halfclose',
        listener: 'shared',
        protocol: 'h1',
        delay: 0,
        mode: { ...modes.short, timeout: 1_000 },
      }
      const service = new Backend(framework, 0, plan, folder)
      const failures: string[] = []
      service.onFailure = (reason) => failures.push(reason)
      await service.start()

      const clients = load(service.port)
      const restarts: Restart[] = []
      for (let round = 0; round < RESTARTS; round++) {
        await sleep(200)
        // Nobody accepts between the old process's last turn and the new one's first: the connections wait in the kernel.
        restarts.push(await service.restart(false))
      }
      await sleep(200)
      const { served = 0, ...lost } = await clients.stop()
      service.stop()

      expect(lost).toEqual({})
      expect(served).toBeGreaterThan(RESTARTS * 20)
      expect(restarts).toEqual(Array.from({ length: RESTARTS }, () => expect.objectContaining({ code: 0, signal: null })))
      expect(failures).toEqual([])
    },
    120_000,
  )
})
