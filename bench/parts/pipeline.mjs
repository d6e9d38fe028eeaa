// Ten requests at once on each connection: what answering them one at a time costs.
import { oneAfterTheOther } from '../turns.mjs'
import { compare } from './cpu.mjs'

export const title = 'Pipelining (autocannon -p 10)'

const HANDLERS = [
  { handler: 'synchronous', path: '/', requests: 8_000, warmup: 10_000 },
  { handler: '5 ms', path: '/wait', requests: 4_000, warmup: 6_000 },
]

export async function run({ hosts, variants }, say) {
  const rounds = 2
  const settings = { generations: 1, budget: 20_000 }
  const names = ['bare', 'again', ...['halfclose'].filter((name) => variants.includes(name))]
  const rows = []
  for (const host of hosts) {
    for (const { handler, path, requests, warmup } of HANDLERS) {
      const request = { path, pipelining: 10 }
      const measure = (servers) => oneAfterTheOther(servers, { warmup, requests, rounds, request })
      const found = await compare({ host, names, ...settings, measure }, (line) => say(`${handler}: ${line}`))
      rows.push(...found.map((row) => ({ ...row, handler })))
    }
  }
  return {
    settings: { ...settings, rounds },
    rows,
    note: 'halfclose hands over one request at a time, in order; Node runs all ten at once. Browsers and proxies do not pipeline.',
  }
}
