/** Nagle's algorithm at one end and delayed ACK at the other wait for each other: an answer, or a request, in two small writes. */
import { Client } from './client.mjs'
import { isolated } from './namespace.mjs'
import { serve } from './server.mjs'
import { median, ms } from './table.mjs'

export const about = "Nagle's algorithm with delayed ACK on and off"

/** @typedef {{ name: string, noDelay: boolean, answerWrites: 1 | 2, clientNagle?: boolean }} Case */
/** @typedef {{ median: number, slowest: number }} Times */
/** @typedef {{ name: string, noDelay: boolean, delayed: Times, quick: Times | undefined }} Row */

/** @type {Case[]} */
const cases = [
  { name: 'answer in one write', noDelay: true, answerWrites: 1 },
  { name: 'answer in two writes', noDelay: true, answerWrites: 2 },
  { name: 'answer in one write', noDelay: false, answerWrites: 1 },
  { name: 'answer in two writes', noDelay: false, answerWrites: 2 },
  { name: 'request in two writes, by a client with Nagle', noDelay: true, answerWrites: 1, clientNagle: true },
]

/** A route on which every segment is acknowledged at once: what TCP_QUICKACK does for a socket, and Node cannot set. */
const quickAck = [
  'ip',
  'route',
  'replace',
  'local',
  '127.0.0.1',
  'dev',
  'lo',
  'src',
  '127.0.0.1',
  'table',
  'local',
  'quickack',
  '1',
]

/**
 * @param {{ requests?: number }} parameters
 * @param {import('./table.mjs').Say} say
 * @returns {Promise<import('./table.mjs').Findings<Row>>}
 */
export async function run({ requests = 30 }, say) {
  say('delayed ACK on')
  const delayed = await measureAll({ requests })
  say('delayed ACK off')
  const quick = await isolated({ module: './nagle.mjs', task: 'measureAll', parameters: { requests }, commands: [quickAck] })
  const rows = cases.map(({ name, noDelay }, index) => ({
    name,
    noDelay,
    delayed: /** @type {Times} */ (delayed[index]),
    quick: 'result' in quick ? /** @type {Times} */ (quick.result[index]) : undefined,
  }))
  const stuck = /** @type {Row} */ (rows[3])
  return {
    setup:
      `${requests} requests on one kept connection, 200 bytes each; the head leaves in a write of its own, and the body in the next turn of the event ` +
      'loop, where it says "two writes". No distance added: the waiting is the kernel\'s own. Delayed ACK off: a route with `quickack 1`, in a network namespace.',
    columns: [
      ['', ({ name }) => name],
      ['tcp.noDelay', ({ noDelay }) => String(noDelay)],
      ['ms, ACK delayed: median', (row) => ms(row.delayed.median)],
      ['slowest', (row) => ms(row.delayed.slowest)],
      ['ACK at once: median', ({ quick }) => (quick ? ms(quick.median) : '?')],
      ['slowest', ({ quick }) => (quick ? ms(quick.slowest) : '?')],
    ],
    rows,
    notes:
      'unavailable' in quick
        ? [`Delayed ACK could not be switched off here: no network namespace of its own (${quick.unavailable}).`]
        : [],
    shows:
      `With \`tcp.noDelay: false\` the second small write waits for the ACK of the first, and the client delays that ACK because it has nothing to send: ` +
      `${ms(stuck.delayed.median)} ms for an answer that takes ${ms(/** @type {Row} */ (rows[1]).delayed.median)} ms with the default, \`tcp.noDelay: true\`. ` +
      `${'result' in quick ? 'Either one alone harms nobody. ' : ''}The option is the server's half only: a client with Nagle that writes a request in two pieces still waits.`,
  }
}

/** Every case, with this process's routes. @param {{ requests: number }} parameters @returns {Promise<Times[]>} */
export async function measureAll({ requests }) {
  const all = []
  for (const one of cases) all.push(await measure(one, requests))
  return all
}

/** @param {Case} one @param {number} requests @returns {Promise<Times>} */
async function measure({ noDelay, answerWrites, clientNagle = false }, requests) {
  const body = 'x'.repeat(200)
  const server = await serve(
    (request, response) => {
      request.resume().once('end', () => {
        response.setHeader('Content-Length', body.length)
        if (answerWrites === 1) return response.end(body)
        response.flushHeaders()
        return setImmediate(() => response.end(body))
      })
    },
    { tcp: { noDelay } },
  )
  const client = await Client.open(server.port, { noDelay: !clientNagle })
  const pieces = [`POST / HTTP/1.1\r\nHost: lab\r\nContent-Length: ${body.length}\r\n\r\n`, body]
  const times = []
  // A connection begins with ACKs at once: the first requests show nothing.
  for (let request = -3; request < requests; request++) {
    const begun = performance.now()
    await (clientNagle ? client.send(...pieces) : client.send(pieces.join('')))
    if (request >= 0) times.push(performance.now() - begun)
  }
  await client.close()
  await server.stop()
  return { median: median(times), slowest: Math.max(...times) }
}
