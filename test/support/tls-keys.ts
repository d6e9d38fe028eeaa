import { ok } from 'node:assert/strict'
import { createCipheriv, createHmac } from 'node:crypto'
import { once } from 'node:events'
import type { Server } from 'node:http'

/** The content types of what TLS 1.3 encrypts (RFC 8446 §5.1). */
const TYPE = { handshake: 22, data: 23 }
/** "Update your key, too": no. */
const KEY_UPDATE = Buffer.from([24, 0, 0, 1, 0])

/** HKDF-Expand-Label (RFC 8446 §7.1) with SHA-384, for results of one block. */
function derive(secret: Buffer, label: string, length: number): Buffer {
  const name = Buffer.from(`tls13 ${label}`)
  const info = Buffer.concat([Buffer.from([0, length, name.length]), name, Buffer.from([0, 1])])
  return createHmac('sha384', secret).update(info).digest().subarray(0, length)
}

/** Encrypts the records of a TLS 1.3 client by hand: Node's client sends no record without data. What Node's client writes behind them cannot be decrypted. */
export class ClientKeys {
  #secret: Buffer
  /** Records sent with this key so far. */
  #sent: number

  constructor(secret: Buffer, sent: number) {
    this.#secret = secret
    this.#sent = sent
  }

  data(text: string): Buffer {
    return this.#record(TYPE.data, Buffer.from(text))
  }

  /** From here on the client uses a new key. */
  update(): Buffer {
    const record = this.#record(TYPE.handshake, KEY_UPDATE)
    this.#secret = derive(this.#secret, 'traffic upd', this.#secret.length)
    this.#sent = 0
    return record
  }

  #record(type: number, content: Buffer): Buffer {
    const nonce = Buffer.from(derive(this.#secret, 'iv', 12))
    nonce.writeUInt32BE((nonce.readUInt32BE(8) ^ this.#sent++) >>> 0, 8)
    const header = Buffer.from([23, 3, 3, 0, 0])
    header.writeUInt16BE(content.length + 1 + 16, 3)
    const cipher = createCipheriv('aes-256-gcm', derive(this.#secret, 'key', 32), nonce).setAAD(header)
    const text = Buffer.concat([cipher.update(content), cipher.update(Buffer.from([type])), cipher.final()])
    return Buffer.concat([header, text, cipher.getAuthTag()])
  }
}

/** The secret of the next client's traffic, as the server logs it. */
export async function nextSecret(server: Server): Promise<Buffer> {
  for (;;) {
    const [line] = await once(server, 'keylog')
    const [label, , secret] = `${line}`.trim().split(' ')
    if (label !== 'CLIENT_TRAFFIC_SECRET_0') continue
    ok(secret !== undefined && secret.length === 96, 'TLS_AES_256_GCM_SHA384')
    return Buffer.from(secret, 'hex')
  }
}
