import { type CaseSetup, H2Host, type Mode } from './host.js'
import { type H2HostName, h2HostNames } from './hosts.js'

/** One sentence of the contract over HTTP/2, and how to see whether it holds. */
export interface Case extends CaseSetup {
  /** subject/what, unique in all suites. */
  id: string
  /** Ids of the rules that it holds. */
  rules: string[]
  /** In the words of the rule. */
  title: string
  /** Where it can be tried, if not everywhere. */
  hosts?: readonly H2HostName[]
  /** A bare server does this too: what must not be broken. */
  regression?: true
  /** Blocks the event loop or measures the process: nothing may run beside it. */
  alone?: true
  run: (host: H2Host) => Promise<void>
}

export const secure = h2HostNames.filter((name) => name.startsWith('https') || name.endsWith('and1'))
/** Where HTTP/1.1 is spoken on the same port. */
export const both = h2HostNames.filter((name) => name.endsWith('and1'))
export const plain = h2HostNames.filter((name) => name.startsWith('http'))
export const adapters = h2HostNames.filter((name) => !name.startsWith('http'))
export const fastify = adapters.filter((name) => name.startsWith('fastify'))

export const runsOn = (one: Case, name: H2HostName): boolean => one.hosts === undefined || one.hosts.includes(name)

export async function play(one: Case, name: H2HostName, mode: Mode): Promise<void> {
  const host = await H2Host.start(name, mode, one)
  try {
    await one.run(host)
  } catch (error) {
    await host.dispose().catch(() => {}) // what failed first is the news
    throw error
  }
  await host.dispose()
}
