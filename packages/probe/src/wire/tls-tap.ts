import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'

/** Reads the records of a TLS peer, to tell a close_notify from a bare FIN. */
export class Records {
  #header = Buffer.alloc(0)
  #left = 0
  #last = { type: 0, length: 0 }

  /** Takes the next bytes of the ciphertext. */
  feed(data: Buffer): void {
    let rest = data
    while (rest.length > 0) {
      const body = Math.min(this.#left, rest.length)
      this.#left -= body
      rest = rest.subarray(body)
      if (rest.length === 0) return
      const missing = 5 - this.#header.length
      this.#header = Buffer.concat([this.#header, rest.subarray(0, missing)])
      rest = rest.subarray(missing)
      if (this.#header.length < 5) return
      this.#last = { type: this.#header.readUInt8(0), length: this.#header.readUInt16BE(3) }
      this.#left = this.#last.length
      this.#header = Buffer.alloc(0)
    }
  }

  /** TLS 1.3 hides an alert in application data: two bytes, the type and a 16 byte tag. */
  get endsInAlert(): boolean {
    return this.#left === 0 && (this.#last.type === 21 || (this.#last.type === 23 && this.#last.length === 19))
  }
}

/** A transport for tls.connect() that shows the ciphertext and the end of the TCP connection. */
export function tap(raw: Socket, records: Records): Duplex {
  const transport = new Duplex({
    allowHalfOpen: true,
    read: () => raw.resume(),
    write: (chunk: Buffer, _encoding, done) => raw.write(chunk, done),
    final: (done) => raw.end(done),
    destroy: (error, done) => {
      // Without an error TLS has ended on both sides, and the end of TCP is still to come.
      if (error) raw.destroy()
      else raw.end().resume()
      done(error)
    },
  })
  raw.on('data', (chunk: Buffer) => {
    records.feed(chunk)
    if (!transport.destroyed && !transport.push(chunk)) raw.pause()
  })
  raw.on('end', () => void transport.push(null))
  raw.on('error', (error) => transport.destroy(error))
  return transport
}
