import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Mode } from './any-host.js'
import type { AnyCase } from './case.js'
import { Uncaught } from './uncaught.js'
import { openResources, until } from './wait.js'
import { where } from './where.js'

/** A folder, set by scripts/matrix.mjs: the cases are played on the bare hosts, and the folder gets which of them fail, and how. */
const record = process.env.HALFCLOSE_BARE

/** Fastify 6 needs Node 24 or later. */
const oldestNode = (name: string): number => (name.startsWith('fastify6') ? 24 : 20)

/** Describes all cases for one host. */
export function describeCases<Name extends string, Case extends AnyCase<Name, never>>(
  suite: string,
  name: Name,
  cases: readonly Case[],
  play: (one: Case, name: Name, mode: Mode) => Promise<void>,
): void {
  // Frameworks and adapters recognise a test run by this, and would neither log nor wait. Here they have to act as in production.
  process.env.NODE_ENV = 'production'
  const needed = oldestNode(name)
  if (Number.parseInt(process.versions.node, 10) < needed) {
    const newer = where(false, `needs Node ${needed}`)
    newer.describe(`${suite} on ${name}${newer.note}`, () => it('has its cases', () => {}))
    return
  }
  const mine = cases.filter((one) => one.hosts === undefined || one.hosts.includes(name))
  const results: Record<string, string> = {}
  const uncaught = new Uncaught()
  const run = async (one: Case): Promise<void> => {
    if (record === undefined)
      return uncaught.during(
        () => one.id,
        () => play(one, name, 'halfclose'),
      )
    results[one.id] = 'fail: does not end'
    results[one.id] = await play(one, name, 'bare').then(
      () => 'pass',
      (error: unknown) => `fail: ${error instanceof Error ? error.message : error}`,
    )
  }

  describe(`${suite} on ${record ? 'bare ' : ''}${name}`, () => {
    let before = openResources()
    beforeAll(() => {
      before = openResources()
      uncaught.listen()
    })
    afterAll(() => uncaught.stop())
    for (const one of slowFirst(mine.filter((each) => !each.alone))) it.concurrent(titleOf(one), () => run(one), 60_000)
    for (const one of mine.filter((each) => each.alone)) it(titleOf(one), () => run(one), 60_000)

    if (record !== undefined)
      afterAll(() => writeFileSync(join(record, `${name}.json`), JSON.stringify({ cases: mine.map(about), results })))
    else
      it('leaves no socket, server, timer or process listener behind, and no error that nobody caught', async () => {
        await leavesNothing(before)
        expect(uncaught.others).toEqual([])
      })
  })
}

const slowFirst = <C extends { slow?: true }>(cases: readonly C[]): C[] => [
  ...cases.filter(({ slow }) => slow),
  ...cases.filter(({ slow }) => !slow),
]

type Told = Pick<AnyCase<string, never>, 'id' | 'title' | 'rules' | 'regression' | 'races'>
const about = ({ id, title, rules, regression, races }: Told) => ({
  id,
  title,
  rules,
  regression: regression === true,
  ...(races && { races }),
})
const titleOf = ({ id, title, rules }: Told): string => `${id}: ${title} [${rules.join(' ')}]`

async function leavesNothing(before: Record<string, number>): Promise<void> {
  const more = () => Object.entries(openResources()).filter(([kind, count]) => count > (before[kind] ?? 0))
  await until('nothing left', () => more().length === 0).catch(() => expect(more()).toEqual([]))
}
