// The server as a process of its own: node child.mjs PORT [fault …], with OVER_TLS in its environment over TLS. It stops on SIGTERM.
import { afterPoll } from './input.js'
import { serve } from './server.js'

const [port = '0', ...faults] = process.argv.slice(2)
/** Connections that wait to be accepted get this long, in ms. */
const QUEUE = 100

const stopped = new Promise<void>((resolve) => process.once('SIGTERM', resolve))

async function main(): Promise<void> {
  const tls = process.env.OVER_TLS !== undefined
  const { server, shared } = await serve(new Set(faults), { port: Number(port), tls })
  const breaks = (id: string) => shared.faults.has(id)
  await stopped
  shared.stoppedAt = Date.now()
  for (const stop of shared.onStop) stop()
  if (!breaks('c/accept-queue')) await new Promise((resolve) => setTimeout(resolve, QUEUE))
  if (breaks('c/refused-after')) await new Promise((resolve) => setTimeout(resolve, 600))
  if (!breaks('c/accept-queue')) await afterPoll()
  server.close(() => process.exit(breaks('c/exit-code') ? 3 : 0))
}

void main()
