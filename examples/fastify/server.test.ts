import { itKeepsItsPromises } from '../testing/sigterm.js'

describe('examples/fastify, at SIGTERM in the middle of an exchange', () => {
  itKeepsItsPromises(__dirname)
})
