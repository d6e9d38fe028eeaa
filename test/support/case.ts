/** One sentence of the contract, and how to see whether it holds. */
export interface AnyCase<Name extends string, H> {
  /** subject/what, unique in all suites; the subject is the file's name. */
  id: string
  /** Ids of the rules that it holds. */
  rules: string[]
  /** In the words of the rule. */
  title: string
  /** Where it can be tried, if not everywhere. */
  hosts?: readonly Name[]
  /** A bare server does this too: what must not be broken. */
  regression?: true
  /** A bare server does now this and now that: what it did once is noted, and nothing is compared with it. */
  races?: true
  /** Blocks the event loop or measures the process: nothing may run beside it. */
  alone?: true
  run: (host: H) => Promise<void>
}

export async function playOn<H extends { dispose(): Promise<void> }>(host: H, { run }: AnyCase<string, H>): Promise<void> {
  try {
    await run(host)
  } catch (error) {
    await host.dispose().catch(() => {}) // what failed first is the news
    throw error
  }
  await host.dispose()
}
