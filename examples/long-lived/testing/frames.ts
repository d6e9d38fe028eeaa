import { randomBytes } from 'node:crypto'
import { get } from '../../../test/support/requests.js'

/** A client's request for a WebSocket, byte by byte. */
export const upgrade = (path: string): string =>
  get(
    path,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
  )

/** A text frame as clients send it: masked, here with zeros (RFC 6455 §5.3). */
export const text = (message: string): Buffer =>
  Buffer.concat([Buffer.from([0x81, 0x80 | message.length, 0, 0, 0, 0]), Buffer.from(message)])

/** A server's close frame, whole. */
export const closeFrame = (code: number, reason: string): Buffer =>
  Buffer.concat([Buffer.from([0x88, 2 + reason.length, code >> 8, code & 0xff]), Buffer.from(reason)])
