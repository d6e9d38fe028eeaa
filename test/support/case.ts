/** One sentence of the contract, and a test of it. */
export interface AnyCase<Name extends string, H> {
  /** subject/what, unique in all suites; the subject is the file's name. */
  id: string
  /** The ids of the rules that it tests. */
  rules: string[]
  /** In the words of the rule. */
  title: string
  /** The hosts on which it can be tried, if not all. */
  hosts?: readonly Name[]
  /** A bare server does this as well: it must not be broken. */
  regression?: true
  /** The result on a bare server varies: one result is recorded, and nothing is compared with it. */
  races?: true
  /** It blocks the event loop or measures the process: nothing else may run at the same time. */
  alone?: true
  /** It waits for seconds: it begins before the others, so that they wait beside each other. */
  slow?: true
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
