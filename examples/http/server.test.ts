import { itKeepsItsPromises } from '../testing/sigterm.js'

describe('examples/http, at SIGTERM in the middle of an exchange', () => {
  itKeepsItsPromises(__dirname)
})
