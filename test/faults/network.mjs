/**
 * A server and clients over a bad link: `unshare -rn node network.mjs '{ "kind": "https", "name": "rate", … }'`, in a namespace of its own, which is all that is changed. Prints one line of
 * JSON: `{ skipped }` where the kernel has no such link, else the report of the drain and what both ledgers say.
 */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Account, Load } from './accounting.mjs'
import { Service } from './service.mjs'

/** `away`: milliseconds for which the link is gone; `'for ever'`: it does not come back. @type {{ kind: import('./accounting.mjs').Kind, link: string[][], away: number | 'for ever', settings: Record<string, string>, serving: number, options: object }} */
const { kind, link, away, settings, serving, options } = JSON.parse(process.argv[2] ?? '')

/** @param {string[]} command */
const run = ([command = '', ...args]) => execFileSync(command, args, { stdio: ['ignore', 'ignore', 'pipe'] })

try {
  run(['ip', 'link', 'set', 'lo', 'up'])
  for (const [name, value] of Object.entries(settings)) writeFileSync(`/proc/sys/net/ipv4/${name}`, value)
  for (const command of link) run(command)
} catch (error) {
  console.log(JSON.stringify({ skipped: String(error instanceof Error && 'stderr' in error ? error.stderr : error).trim() }))
  process.exit()
}

const service = await Service.start({ kind, options: { keepAlive: { timeout: 1_000 }, ...options } })
const account = new Account()
const load = new Load(account, { port: service.port, kind }, { clients: 6 })
await sleep(serving)
/** After how many milliseconds the server has let go of the last client that is out of reach. @type {number | undefined} */
let emptied
if (away === 'for ever') {
  const others = Array.from({ length: 6 }, () => account.client({ port: service.port, kind }))
  await Promise.all(others.map((client) => client.ask()))
  // Two stay idle. The answers of the others find no way: two that the kernel takes whole, and two that it does not.
  const amid = others.slice(2).map((client, n) => client.ask({ ms: 500, size: n % 2 === 0 ? 0 : 16_000_000 }))
  const began = performance.now()
  run(['ip', 'link', 'set', 'lo', 'down'])
  for (;;) {
    const { open } = await service.ask('stats')
    if (Object.values(open).every((count) => count === 0)) break
    await sleep(100)
  }
  emptied = performance.now() - began
  // Their kernel would go on for a quarter of an hour: the clients give up.
  load.close()
  for (const client of others) client.close()
  await Promise.all(amid)
} else if (away > 0) {
  run(['ip', 'link', 'set', 'lo', 'down'])
  await sleep(away)
  run(['ip', 'link', 'set', 'lo', 'up'])
  await sleep(serving)
}
const report = await service.ask('drain')
await load.stop()
const left = await service.leave()
console.log(JSON.stringify({ report, left, emptied, verdict: account.verdict(service.ledger()) }))
await service.end()
process.exit()
