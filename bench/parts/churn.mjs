// One request per connection: what accepting, governing and closing costs.
import { compare } from './cpu.mjs'

export const title = 'Connection churn (Connection: close on every request)'

export async function run({ hosts, variants, quick }, say) {
  const settings = {
    generations: quick ? 3 : 12,
    rounds: 2,
    requests: 4_000,
    warmup: 16_000,
    skip: 200,
    budget: quick ? 60_000 : 120_000,
  }
  const names = ['bare', 'again', 'output-first', ...['halfclose', 'counting'].filter((name) => variants.includes(name))]
  const rows = []
  for (const host of hosts) rows.push(...(await compare({ host, names, ...settings, request: { close: true } }, say)))
  return {
    settings,
    rows,
    note: "'bare, but output first' is the bare host that waits for the client's FIN, and has no policy: what that costs by itself.",
  }
}
