import { execFileSync } from 'node:child_process'
import path from 'node:path'

// The lives themselves are played by `npm run soak -- --chaos`.

interface Step {
  at: number
  fault: string
}

/** The plans of the lives with these seeds, as another process makes them. */
function plansOf(seeds: number): Step[][] {
  const script = `import { planOf, randomOf } from ${JSON.stringify(path.join(__dirname, 'chaos.mjs'))}
    console.log(JSON.stringify(Array.from({ length: ${seeds} }, (_, seed) => planOf(randomOf(seed)))))`
  return JSON.parse(execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }))
}

test('a seed brings back the plan of a life, another seed another one, and in fifty lives every fault occurs', () => {
  const plans = plansOf(50)
  expect(plansOf(50)).toEqual(plans)
  expect(new Set(plans.map((plan) => JSON.stringify(plan))).size).toBe(plans.length)
  expect(new Set(plans.flat().map(({ fault }) => fault)).size).toBe(10)
  for (const plan of plans)
    expect(plan.map(({ at }) => at)).toEqual(plan.map(({ at }) => at).toSorted((one, other) => one - other))
})
