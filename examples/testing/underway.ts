import { setTimeout as sleep } from 'node:timers/promises'
import { RawClient, type Response } from './raw-client.js'

const get = 'GET / HTTP/1.1\r\nHost: example\r\n\r\n'
const body = '{"half":"close"}'

/**
 * What is under way in one of the processes behind a port when that process is told to go: a request half sent, and a connection that
 * is idle and was promised to be kept. For services that answer `GET /` with `{"pid":…}` and `POST /echo` with its body.
 */
export class Underway {
  readonly pid: number
  readonly #upload: RawClient
  readonly #promised: RawClient
  readonly #probe: RawClient
  #told: Promise<void> | undefined

  private constructor(pid: number, upload: RawClient, promised: RawClient, probe: RawClient) {
    this.pid = pid
    this.#upload = upload
    this.#promised = promised
    this.#probe = probe
  }

  /** In each of so many processes. */
  static async inEach(port: number, processes: number): Promise<Underway[]> {
    const begun: Underway[] = []
    const found = new Map<number, RawClient[]>()
    while (begun.length < processes) {
      const client = await RawClient.connect(port)
      const pid = pidOf(await client.request(get))
      const clients = [...(found.get(pid) ?? []), client]
      found.set(pid, clients)
      const [upload, promised, probe] = clients
      if (clients.length > 3) client.destroy()
      else if (upload && promised && probe) begun.push(await Underway.#begin(pid, upload, promised, probe))
    }
    for (const clients of found.values()) if (clients.length < 3) for (const client of clients) client.destroy()
    return begun
  }

  static async #begin(pid: number, upload: RawClient, promised: RawClient, probe: RawClient): Promise<Underway> {
    // `100 Continue` says that the head has arrived.
    const fields = `Content-Type: application/json\r\nContent-Length: ${body.length}\r\nExpect: 100-continue`
    const { status } = await upload.request(`POST /echo HTTP/1.1\r\nHost: example\r\n${fields}\r\n\r\n`)
    expect(status).toBe(100)
    upload.write(body.slice(0, 5))
    return new Underway(pid, upload, promised, probe)
  }

  /** Resolves once the process was told to go: from then on every answer says `close`. */
  told(): Promise<void> {
    this.#told ??= this.#ask()
    return this.#told
  }

  async #ask(): Promise<void> {
    for (;;) {
      const answer = await this.#probe.request(get)
      expect(answer).toMatchObject({ status: 200 })
      if (answer.headers.get('connection') === 'close') return
      await sleep(10)
    }
  }

  /** The other half of the request, and one on the promised connection: both are answered, by that process, say `close`, and end with FIN. */
  async finish(): Promise<void> {
    const kept = await this.#promised.request(get)
    expect(kept.status).toBe(200)
    expect(pidOf(kept)).toBe(this.pid)
    this.#upload.write(body.slice(5))
    const echoed = await this.#upload.response()
    expect(echoed).toMatchObject({ status: 200, body })
    for (const { headers } of [kept, echoed]) expect(headers.get('connection')).toBe('close')
    for (const client of [this.#promised, this.#upload, this.#probe]) {
      expect(await client.ended()).toEqual(['data', 'end', 'close'])
      expect(client.text).toBe('')
    }
  }

  /** What came for the half-sent request until its connection ended, where nobody has finished it. */
  async unfinished(): Promise<string> {
    await this.#upload.ended()
    return this.#upload.text
  }

  /** For afterEach: nothing may hold a process that is to end. */
  destroy(): void {
    for (const client of [this.#upload, this.#promised, this.#probe]) client.destroy()
  }
}

function pidOf({ body }: Response): number {
  const { pid }: { pid: number } = JSON.parse(body)
  return pid
}
