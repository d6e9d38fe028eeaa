import { type CaseSetup, Host, type HostName, type Mode } from './host.js'

/** One sentence of the contract, and how to see whether it holds. */
export interface Case extends CaseSetup {
  /** subject/what, unique; the subject is the file's name. */
  id: string
  /** Ids of the rules that it holds. */
  rules: string[]
  /** In the words of the rule. */
  title: string
  /** Where it can be tried, if not everywhere. */
  hosts?: readonly HostName[]
  /** A bare server does this too: what must not be broken. */
  regression?: true
  /** Blocks the event loop or measures the process: nothing may run beside it. */
  alone?: true
  run: (host: Host) => Promise<void>
}

export const plain = ['http', 'https'] as const
export const frameworks = ['express4', 'express5', 'fastify4', 'fastify5'] as const
/** Where connectionsCheckingInterval can be set. */
export const withInterval = ['http', 'https', 'fastify4', 'fastify5'] as const

export const runsOn = (one: Case, name: HostName): boolean => one.hosts === undefined || one.hosts.includes(name)

export async function play(one: Case, name: HostName, mode: Mode): Promise<void> {
  const host = await Host.start(name, mode, one)
  try {
    await one.run(host)
  } catch (error) {
    await host.dispose().catch(() => {}) // what failed first is the news
    throw error
  }
  await host.dispose()
}
