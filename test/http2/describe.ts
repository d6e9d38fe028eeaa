import { describeCases } from '../support/describe.js'
import { play } from '../support/h2/contract.js'
import type { H2HostName } from '../support/h2/hosts.js'
import { cases } from './cases/index.js'

export const describeHttp2 = (name: H2HostName): void => describeCases('the contract over HTTP/2', name, cases, play)
