// One request per connection: what accepting, governing and closing costs.
import { inTurns } from '../turns.mjs'
import { compare } from './cpu.mjs'

export const title = 'Connection churn (Connection: close on every request)'

export async function run({ hosts, variants, quick }, say) {
  const settings = { generations: quick ? 3 : 12, budget: quick ? 60_000 : 240_000 }
  /** Turns of 50 ms. */
  const turns = { warmup: 48, turns: 20 }
  const measure = (servers) => inTurns(servers, { ...turns, request: { close: true } })
  const names = [
    'bare',
    'again',
    'tick-shape',
    'output-first',
    ...['halfclose', 'counting'].filter((name) => variants.includes(name)),
  ]
  const rows = []
  for (const host of hosts) rows.push(...(await compare({ host, names, ...settings, measure }, say)))
  return {
    settings: { ...settings, ...turns },
    rows,
    note: "'bare, but output first' is the bare host that waits for the client's FIN, and has no policy: what that costs by itself.",
  }
}
