import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { where } from '../support/where.js'

/** What became of one request, in the client's own words. */
export type Outcome = { status: number; body: string; closes: boolean } | { failed: string }

/** A client with one connection at a time, as its users know it: it decides when to use that again and when to open another. */
export interface Session {
  get(path: string): Promise<Outcome>
  post(path: string, bytes: number): Promise<Outcome>
  end(): Promise<void>
}

export interface RealClient {
  name: string
  /** Why it cannot be tried here. */
  missing?: string | undefined
  schemes: readonly ('http' | 'https')[]
  /** What it says when nobody listens. */
  refused: RegExp
  /** Of a promise of 4 s, the milliseconds within which it surely uses an idle connection again. */
  reusesWithin: number
  open(base: URL): Promise<Session>
}

/** Where a program is, if it is on this machine. */
export function find(...names: string[]): string | undefined {
  for (const directory of (process.env.PATH ?? '').split(delimiter)) {
    for (const name of names) {
      try {
        const path = join(directory, name)
        accessSync(path, constants.X_OK)
        return path
      } catch {}
    }
  }
  return undefined
}

/** `describe`, or a skipped one whose title says why. */
export function describeWith(
  program: string | undefined,
  title: string,
  missing: string,
  tests: (program: string) => void,
): void {
  const here = where(program !== undefined, missing)
  here.describe(`${title}${here.note}`, () => {
    if (program === undefined) it('needs the program', () => {})
    else tests(program)
  })
}
