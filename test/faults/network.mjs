/**
 * A server and clients over a bad link: `unshare -rn node network.mjs '{ "kind": "https", "name": "rate", … }'`, in a namespace of its own, which is all that is changed. Prints one line of
 * JSON: `{ skipped }` where the kernel has no such link, else the report of the drain and what both ledgers say.
 */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Account, Load } from './accounting.mjs'
import { Service } from './service.mjs'

/** @type {{ kind: import('./accounting.mjs').Kind, link: string[][], away: number, settings: Record<string, string>, serving: number }} */
const { kind, link, away, settings, serving } = JSON.parse(process.argv[2] ?? '')

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

const service = await Service.start({ kind, options: { keepAlive: { timeout: 1_000 } } })
const account = new Account()
const load = new Load(account, { port: service.port, kind }, { clients: 6 })
await sleep(serving)
if (away > 0) {
  run(['ip', 'link', 'set', 'lo', 'down'])
  await sleep(away)
  run(['ip', 'link', 'set', 'lo', 'up'])
  await sleep(serving)
}
const report = await service.ask('drain')
await load.stop()
const left = await service.leave()
console.log(JSON.stringify({ report, left, verdict: account.verdict(service.ledger()) }))
await service.end()
process.exit()
