/** What {@link isolated} starts in a network namespace: node inside.mjs <job>. Prints READY once all is set up, then the task's result. */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { READY } from './namespace.mjs'

/** @type {import('./namespace.mjs').Job} */
const { module, task, parameters, commands = [], settings = {} } = JSON.parse(process.argv[2] ?? '')

for (const [command = '', ...options] of [['ip', 'link', 'set', 'lo', 'up'], ...commands]) {
  execFileSync(command, options, { stdio: ['ignore', 'ignore', 'inherit'] })
}
for (const [name, value] of Object.entries(settings)) writeFileSync(`/proc/sys/net/ipv4/${name}`, value)
process.stdout.write(READY)
const experiment = await import(module)
process.stdout.write(JSON.stringify(await experiment[task](parameters)))
