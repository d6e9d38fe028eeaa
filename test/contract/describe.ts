import { play } from '../support/contract.js'
import { describeCases } from '../support/describe.js'
import type { HostName } from '../support/host.js'
import { cases } from './cases/index.js'

export const describeContract = (name: HostName): void => describeCases('the contract', name, cases, play)
