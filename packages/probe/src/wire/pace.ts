import type { Socket } from 'node:net'
import { within } from './wait.js'

/** How much a server took, and why that ended. */
export interface Poured {
  /** Bytes that were written. */
  taken: number
  /** The server took everything; it took nothing more; or the connection ended. */
  end: 'limit' | 'stalled' | 'gone'
}

interface Sender {
  send(data: string | Buffer): Promise<boolean>
}

/** Writes `chunk` over and over until `limit` bytes are taken, nothing is taken for `stall` ms, or the connection is gone. */
export async function pour(client: Sender, chunk: string | Buffer, limit: number, stall: number): Promise<Poured> {
  let taken = 0
  while (taken < limit) {
    const sent = await within(client.send(chunk), () => 'stalled', stall).catch(() => undefined)
    if (sent === undefined) return { taken, end: 'stalled' }
    if (!sent) return { taken, end: 'gone' }
    taken += chunk.length
  }
  return { taken, end: 'limit' }
}

/** Reads at most `rate` bytes/s until `over`, then without a limit. */
export async function sip(stream: Socket, rate: number, over: Promise<unknown>): Promise<void> {
  const began = Date.now()
  let taken = 0
  const look = () => {
    if (taken > (rate * (Date.now() - began)) / 1_000) stream.pause()
    else stream.resume()
  }
  const take = (chunk: Buffer) => {
    taken += chunk.length
    look()
  }
  stream.on('data', take)
  const timer = setInterval(look, 20)
  await over
  clearInterval(timer)
  stream.off('data', take).resume()
}
