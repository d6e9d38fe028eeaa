import type { Mode } from '../any-host.js'
import { type AnyCase, playOn } from '../case.js'
import { type CaseSetup, H2Host } from './host.js'
import { type H2HostName, h2HostNames } from './hosts.js'

/** A case of the contract over HTTP/2. */
export interface Case extends CaseSetup, AnyCase<H2HostName, H2Host> {}

export const secure = h2HostNames.filter((name) => name.startsWith('https') || name.endsWith('and1'))
/** The hosts that speak HTTP/1.1 on the same port. */
export const both = h2HostNames.filter((name) => name.endsWith('and1'))
export const plain = h2HostNames.filter((name) => name.startsWith('http'))
export const adapters = h2HostNames.filter((name) => !name.startsWith('http'))
export const fastify = adapters.filter((name) => name.startsWith('fastify'))

export const play = async (one: Case, name: H2HostName, mode: Mode): Promise<void> =>
  playOn(await H2Host.start(name, mode, one), one)
