/** What the clients of a deploy send, over HTTP/1.1 or HTTP/2. */
import { PIECE, PIECES, UPLOAD_SIZE } from './settings.mjs'

const upload = Buffer.alloc(UPLOAD_SIZE, 'x')

/**
 * @typedef {object} Message
 * @property {string} method
 * @property {string} path
 * @property {Record<string, string>} [headers]
 * @property {Buffer} [body]
 * @property {boolean} [writesFirst] HTTP/1.1: the whole body before it looks for an answer
 */
/** @typedef {Message & { kind: import('./tally.mjs').Kind, name: string, expects: number, bytes?: number }} Request */

/** @param {string} path @param {number} id @returns {Request} */
const get = (path, id) => ({ kind: 'get', name: `GET ${path}`, method: 'GET', path: `${path}/${id}`, expects: 200 })

/** @param {string} path @param {number} id @param {Record<string, string>} headers @param {Buffer} body @param {number} expects @returns {Request} */
const post = (path, id, headers, body, expects) => ({
  kind: 'post',
  name: `POST ${path} ${expects}`,
  method: 'POST',
  path: `${path}/${id}`,
  headers: { ...headers, 'content-length': String(body.length) },
  body,
  expects,
})

const json = { 'content-type': 'application/json' }
const binary = { 'content-type': 'application/octet-stream' }

/** @param {number} id */
export const order = (id) => post('/orders', id, json, Buffer.from(JSON.stringify({ item: `item ${id}` })), 201)
/** @param {number} id */
export const hello = (id) => get('/hello', id)
/** @returns {Request} */
const film = () => ({
  kind: 'download',
  name: 'GET /download',
  method: 'GET',
  path: '/download',
  expects: 200,
  bytes: PIECE.length * PIECES,
})
/** @param {number} id @returns {Request} */
const anonymous = (id) => ({ ...post('/upload', id, binary, upload, 401), kind: 'upload', writesFirst: true })
/** @param {number} id @returns {Request} */
const tooLarge = (id) => ({
  ...post('/upload', id, { ...binary, authorization: 'me' }, upload, 413),
  kind: 'upload',
  writesFirst: true,
})

/** How many clients have each habit, what they send, and how long they wait between two requests. */
export const habits = [
  { clients: 32, requests: [hello, hello, order], waits: [10, 150] },
  { clients: 80, requests: [hello, order], waits: [300, 3_000] },
  { clients: 16, requests: [film, film, hello], waits: [50, 400] },
  { clients: 6, requests: [anonymous, tooLarge, hello], waits: [400, 1_500] },
]

/** @typedef {{ status: number, text: string, bodyLength: number }} Response */

/**
 * Whether a whole answer is the one to this request.
 * @param {Response} response
 * @param {Request} request
 * @param {number} id
 * @returns {{ cause: import('./tally.mjs').Cause, seen: string } | undefined}
 */
export function judge({ status, text, bodyLength }, { expects, bytes }, id) {
  if (status === 503) return { cause: 'unavailable', seen: `503 ${text.slice(0, 80)}` }
  if (status !== expects) return { cause: 'wrong', seen: `status ${status} ${text.slice(0, 80)}` }
  if (bytes !== undefined) return bodyLength === bytes ? undefined : { cause: 'cut', seen: `${bodyLength} bytes` }
  // Fastify's own 413 does not know our id.
  if (status === 413 || JSON.parse(text).id === String(id)) return undefined
  return { cause: 'wrong', seen: `another request's answer: ${text.slice(0, 80)}` }
}
