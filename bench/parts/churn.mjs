// One request per connection: what accepting, governing and closing costs.
import { inTurns } from '../turns.mjs'
import { compare } from './cpu.mjs'

export const title = 'Connection churn (Connection: close on every request)'

export async function run({ hosts, variants, quick }, say) {
  const settings = { generations: quick ? 3 : 12, warmup: 16_000, budget: quick ? 60_000 : 150_000 }
  const turns = 16
  const request = { close: true }
  const measure = (servers) => inTurns(servers, { turns, request })
  const names = ['bare', 'again', 'output-first', ...['halfclose', 'counting'].filter((name) => variants.includes(name))]
  const rows = []
  for (const host of hosts) rows.push(...(await compare({ host, names, ...settings, request, measure }, say)))
  return {
    settings: { ...settings, turns },
    rows,
    note: "'bare, but output first' is the bare host that waits for the client's FIN, and has no policy: what that costs by itself.",
  }
}
