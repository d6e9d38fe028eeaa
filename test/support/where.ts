/** `test` and `describe` for what not every machine and Node can do. */
export interface Where {
  readonly test: jest.It
  readonly describe: jest.Describe
  /** The end of a title: why it is skipped; empty where it is not. Every skipped test has it. */
  readonly note: string
}

/** Tests for where `holds` is true. `why`: why they are skipped elsewhere, e.g. `'this machine has no ::1'`. */
export function where(holds: boolean, why: string): Where {
  if (holds) return { test, describe, note: '' }
  return { test: test.skip, describe: describe.skip, note: ` (skipped: ${why})` }
}
