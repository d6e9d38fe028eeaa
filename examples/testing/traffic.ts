import { setTimeout as sleep } from 'node:timers/promises'
import { RawClient } from './raw-client.js'

/** Milliseconds between two requests. */
const PACE = 50

/**
 * One client that goes on sending, as a load balancer does that has not noticed yet. `'new'`: a new connection for each request;
 * `'kept'`: one connection for as long as the server does not say `Connection: close`.
 */
export class Traffic {
  answered = 0
  /** What went wrong, in words; a connection that ends unannounced, or in another way than by a FIN, is among it. */
  readonly lost: string[] = []
  /** Resolves once nothing is sent any more and the last connection has ended. */
  readonly done: Promise<void>
  readonly #port: number
  readonly #request: string
  #sends: 'here' | 'on open connections' | 'nothing' = 'here'
  #client: RawClient | undefined
  #waiting: { from: number; resolve: () => void }[] = []

  constructor(port: number, connections: 'new' | 'kept') {
    this.#port = port
    this.#request = `GET / HTTP/1.1\r\nHost: example\r\n${connections === 'new' ? 'Connection: close\r\n' : ''}\r\n`
    this.done = this.#send()
  }

  /** Resolves after so many more requests, answered or lost. */
  more(count: number): Promise<void> {
    return new Promise((resolve) => this.#waiting.push({ from: this.answered + this.lost.length + count, resolve }))
  }

  /** New connections go to somebody else from now on; an open one stays here. That is what a Kubernetes Service does. */
  connectElsewhere(): void {
    this.#sends = 'on open connections'
  }

  /** Requests go to somebody else, but an open connection is left open. That is what an ALB does. */
  sendElsewhere(): void {
    this.#sends = 'nothing'
  }

  /** For afterEach. */
  destroy(): void {
    this.#sends = 'nothing'
    this.#client?.destroy()
  }

  get #silent(): boolean {
    return this.#sends === 'nothing'
  }

  async #send(): Promise<void> {
    while (this.#sends === 'here') {
      try {
        await this.#useOneConnection()
      } catch (error) {
        this.lost.push(error instanceof Error ? error.message : String(error))
        this.#counted()
      }
      await sleep(PACE)
    }
  }

  async #useOneConnection(): Promise<void> {
    const client = await RawClient.connect(this.#port)
    this.#client = client
    // Called off while it connected: a connection that says nothing would end in its own way.
    if (this.#silent) return client.destroy()
    while (!this.#silent) {
      const { status, headers } = await client.request(this.#request)
      if (status !== 200) throw new Error(`answered with ${status}`)
      this.answered++
      this.#counted()
      if (headers.get('connection') === 'close') break
      await sleep(PACE)
    }
    const events = (await client.ended()).join(', ')
    if (events !== 'data, end, close') throw new Error(`ended by ${events}`)
  }

  #counted(): void {
    const count = this.answered + this.lost.length
    this.#waiting = this.#waiting.filter(({ from, resolve }) => {
      if (count >= from) resolve()
      return count < from
    })
  }
}
