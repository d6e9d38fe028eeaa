import { itEndsItsStreams } from './testing/sse.js'

describe('examples/long-lived/sse-fastify, at SIGTERM in the middle of an exchange', () => {
  itEndsItsStreams('sse-fastify.mjs')
})
