import { itEndsItsStreams } from './testing/sse.js'

describe('examples/long-lived/sse-express, at SIGTERM in the middle of an exchange', () => {
  itEndsItsStreams('sse-express.mjs')
})
