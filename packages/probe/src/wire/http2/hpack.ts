import { decodeHuffman } from './huffman.js'

/** Fields of a head, in order. */
export type Fields = readonly (readonly [name: string, value: string])[]

/** The static table (RFC 7541, Appendix A): entries in order, with a space before the value. */
const STATIC: Fields = (
  ':authority|:method GET|:method POST|:path /|:path /index.html|:scheme http|:scheme https|:status 200|:status 204|:status 206|' +
  ':status 304|:status 400|:status 404|:status 500|accept-charset|accept-encoding gzip, deflate|accept-language|accept-ranges|accept|' +
  'access-control-allow-origin|age|allow|authorization|cache-control|content-disposition|content-encoding|content-language|' +
  'content-length|content-location|content-range|content-type|cookie|date|etag|expect|expires|from|host|if-match|if-modified-since|' +
  'if-none-match|if-range|if-unmodified-since|last-modified|link|location|max-forwards|proxy-authenticate|proxy-authorization|range|' +
  'referer|refresh|retry-after|server|set-cookie|strict-transport-security|transfer-encoding|user-agent|vary|via|www-authenticate'
)
  .split('|')
  .map((entry) => {
    const space = entry.indexOf(' ')
    return space < 0 ? [entry, ''] : [entry.slice(0, space), entry.slice(space + 1)]
  })

/** Encodes every field as a literal without indexing: this needs no state, and allows any bytes. */
export function encodeFields(fields: Fields): Buffer {
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]))
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1')
  const length: number[] = []
  if (bytes.length < 127) length.push(bytes.length)
  else {
    length.push(127)
    let rest = bytes.length - 127
    for (; rest >= 128; rest >>= 7) length.push((rest & 127) | 128)
    length.push(rest)
  }
  return Buffer.concat([Buffer.from(length), bytes])
}

/** Decodes the field blocks of one peer, and keeps their dynamic table. Throws if a block is malformed. */
export class FieldDecoder {
  readonly #table: (readonly [string, string])[] = []
  #size = 0
  #most: number
  #block: Buffer = Buffer.alloc(0)
  #at = 0

  constructor(most = 4_096) {
    this.#most = most
  }

  /** Decodes the next block. */
  decode(block: Buffer): Fields {
    this.#block = block
    this.#at = 0
    const fields: (readonly [string, string])[] = []
    while (this.#at < block.length) {
      const field = this.#field()
      if (field !== undefined) fields.push(field)
    }
    return fields
  }

  #field(): readonly [string, string] | undefined {
    const first = this.#block.readUInt8(this.#at)
    if ((first & 0x80) !== 0) return this.#entry(this.#integer(7))
    if ((first & 0xe0) === 0x20) {
      this.#most = this.#integer(5)
      this.#evict()
      return undefined
    }
    const indexed = (first & 0x40) !== 0
    const index = this.#integer(indexed ? 6 : 4)
    const name = index === 0 ? this.#string() : this.#entry(index)[0]
    const field = [name, this.#string()] as const
    if (indexed) this.#add(field)
    return field
  }

  #entry(index: number): readonly [string, string] {
    const entry = index <= STATIC.length ? STATIC[index - 1] : this.#table[index - STATIC.length - 1]
    if (entry === undefined) throw new Error(`a header field is number ${index} of a table that has no such entry`)
    return entry
  }

  #add(field: readonly [string, string]): void {
    this.#table.unshift(field)
    this.#size += sizeOf(field)
    this.#evict()
  }

  #evict(): void {
    while (this.#size > this.#most) {
      const oldest = this.#table.pop()
      if (oldest === undefined) return
      this.#size -= sizeOf(oldest)
    }
  }

  #integer(prefix: number): number {
    const most = 2 ** prefix - 1
    let value = this.#block.readUInt8(this.#at++) & most
    if (value < most) return value
    for (let factor = 1; ; factor *= 128) {
      const byte = this.#block.readUInt8(this.#at++)
      value += (byte & 127) * factor
      if (byte < 128) return value
    }
  }

  #string(): string {
    const huffman = (this.#block.readUInt8(this.#at) & 0x80) !== 0
    const length = this.#integer(7)
    const bytes = this.#block.subarray(this.#at, this.#at + length)
    this.#at += length
    return huffman ? decodeHuffman(bytes) : bytes.toString('latin1')
  }
}

function sizeOf([name, value]: readonly [string, string]): number {
  return name.length + value.length + 32
}
