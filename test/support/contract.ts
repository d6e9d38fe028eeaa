import type { Mode } from './any-host.js'
import { type AnyCase, playOn } from './case.js'
import { type CaseSetup, Host, type HostName } from './host.js'

export interface Case extends CaseSetup, AnyCase<HostName, Host> {}

export const plain = ['http', 'https'] as const
export const frameworks = ['express4', 'express5', 'fastify4', 'fastify5', 'fastify6'] as const
/** The hosts where connectionsCheckingInterval can be set. */
export const withInterval = ['http', 'https', 'fastify4', 'fastify5', 'fastify6'] as const

export const play = async (one: Case, name: HostName, mode: Mode): Promise<void> => playOn(await Host.start(name, mode, one), one)
