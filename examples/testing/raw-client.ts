import { once } from 'node:events'
import net from 'node:net'

export interface Response {
  status: number
  headers: Map<string, string>
  body: string
}

/**
 * A client that sees the bytes and how the connection ends. It is not that of `halfclose-probe/wire`: these tests match the raw text of answers that
 * are still arriving, and have no bound but their own, since they wait for whole processes.
 */
export class RawClient {
  /** Everything received that was not taken as a response yet. */
  text = ''
  /** What happened, in order: 'data' (repeats left out), 'end' for the server's FIN, 'error …', 'close'. */
  readonly events: string[] = []
  readonly #socket: net.Socket
  #changed: () => void = () => {}

  private constructor(socket: net.Socket) {
    this.#socket = socket
    socket.setEncoding('latin1')
    socket.on('data', (chunk) => {
      this.text += chunk
      this.#saw('data')
    })
    socket.on('end', () => this.#saw('end'))
    socket.on('error', (error: NodeJS.ErrnoException) => this.#saw(`error ${error.code ?? error.message}`))
    socket.on('close', () => this.#saw('close'))
  }

  static async connect(port: number): Promise<RawClient> {
    const socket = net.connect({ host: '127.0.0.1', port, allowHalfOpen: true })
    await once(socket, 'connect')
    return new RawClient(socket)
  }

  write(text: string): void {
    this.#socket.write(text)
  }

  async request(text: string): Promise<Response> {
    this.write(text)
    return this.response()
  }

  /** Takes the next whole response. */
  async response(): Promise<Response> {
    for (;;) {
      const taken = takeResponse(this.text)
      if (taken) {
        this.text = taken.rest
        return taken.response
      }
      if (this.events.includes('end') || this.events.includes('close')) {
        throw new Error(`no whole response: ${this.events.join(', ')}; received ${JSON.stringify(this.text)}`)
      }
      await this.#change()
    }
  }

  /** Resolves with everything that happened once the server has closed, and closes. */
  async ended(): Promise<string[]> {
    while (!this.events.includes('end') && !this.events.includes('close')) await this.#change()
    this.close()
    while (!this.events.includes('close')) await this.#change()
    return this.events
  }

  close(): void {
    this.#socket.end()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #saw(event: string): void {
    if (this.events.at(-1) !== event) this.events.push(event)
    this.#changed()
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#changed = resolve
    })
  }
}

function takeResponse(text: string): { response: Response; rest: string } | undefined {
  const headEnd = text.indexOf('\r\n\r\n')
  if (headEnd === -1) return undefined
  const [statusLine = '', ...fields] = text.slice(0, headEnd).split('\r\n')
  const headers = new Map(
    fields.map((field) => [field.slice(0, field.indexOf(':')).toLowerCase(), field.slice(field.indexOf(':') + 1).trim()]),
  )
  const status = Number(statusLine.split(' ')[1])
  const rest = text.slice(headEnd + 4)
  if (headers.get('transfer-encoding') === 'chunked') {
    // Enough for the bodies of the examples.
    const chunked = /^((?:[0-9a-f]+\r\n[^\r\n]+\r\n)*)0\r\n\r\n/.exec(rest)
    if (!chunked) return undefined
    const body = (chunked[1] ?? '').split('\r\n').filter((_line, index) => index % 2 === 1)
    return { response: { status, headers, body: body.join('') }, rest: rest.slice(chunked[0].length) }
  }
  const length = Number(headers.get('content-length'))
  if (rest.length < length) return undefined
  return { response: { status, headers, body: rest.slice(0, length) }, rest: rest.slice(length) }
}
