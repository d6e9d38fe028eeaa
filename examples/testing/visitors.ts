import { setTimeout as sleep } from 'node:timers/promises'
import { RawClient } from './raw-client.js'

/** Milliseconds between two requests. */
const PACE = 10
const PATIENCE = 15_000

/**
 * Clients that send GET and POST by turns, and check every byte of the answers. They keep their connections, open another one where the
 * server said close, and repeat nothing: whatever goes wrong is a loss.
 */
export class Visitors {
  served = 0
  readonly lost: string[] = []
  readonly #port: number
  readonly #visits: Promise<void>[]
  #stopped = false
  #waiting: { from: number; resolve: () => void }[] = []

  constructor(port: number, count: number) {
    this.#port = port
    this.#visits = Array.from({ length: count }, (_, visitor) => this.#visit(visitor))
  }

  /** Resolves after so many more requests, answered or lost. */
  more(count: number): Promise<void> {
    return new Promise((resolve) => this.#waiting.push({ from: this.served + this.lost.length + count, resolve }))
  }

  /** Resolves when the last answer is there. */
  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all(this.#visits)
  }

  async #visit(visitor: number): Promise<void> {
    let client: RawClient | undefined
    for (let count = 0; !this.#stopped; count++) {
      try {
        client ??= await RawClient.connect(this.#port)
        if (await isLast(client, count % 2 === 0 ? undefined : `{"id":"${visitor}-${count}"}`)) {
          client.close()
          client = undefined
        }
        this.served++
      } catch (error) {
        this.lost.push(error instanceof Error ? error.message : String(error))
        client?.destroy()
        client = undefined
      }
      this.#counted()
      await sleep(PACE)
    }
    client?.destroy()
  }

  #counted(): void {
    const count = this.served + this.lost.length
    this.#waiting = this.#waiting.filter(({ from, resolve }) => {
      if (count >= from) resolve()
      return count < from
    })
  }
}

/** One exchange, a POST where there is something to send; whether the connection ends with it. */
async function isLast(client: RawClient, json?: string): Promise<boolean> {
  const late = setTimeout(() => client.destroy(), PATIENCE)
  const request = json === undefined ? 'GET / HTTP/1.1\r\nHost: example\r\n\r\n' : post('/echo', json)
  const { status, headers, body } = await client.request(request).finally(() => clearTimeout(late))
  if (status !== 200 || body !== (json ?? '{"hello":"world"}')) throw new Error(`${json ?? 'GET'}: ${status} ${body}`)
  return headers.get('connection') === 'close'
}

export function post(path: string, json: string): string {
  const fields = `Host: example\r\nContent-Type: application/json\r\nContent-Length: ${json.length}`
  return `POST ${path} HTTP/1.1\r\n${fields}\r\n\r\n${json}`
}
