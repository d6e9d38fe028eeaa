import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Arrivals, within } from '../support/wait.js'
import { find, type Outcome, type RealClient } from './client.js'

const python3 = find('python3')

/** Ignores what is promised, uses its connection until it learns that it is gone, and writes everything before it reads. */
export const python: RealClient = {
  name: "Python's http.client",
  missing: python3 === undefined ? 'no python3 on this machine' : undefined,
  schemes: ['http', 'https'],
  refused: /^ConnectionRefusedError$/,
  reusesWithin: 3_900,
  open: async ({ protocol, hostname, port }) => {
    const args = [join(__dirname, 'python-client.py'), protocol.slice(0, -1), hostname, port]
    const child = spawn(python3 ?? 'python3', args, { stdio: ['pipe', 'pipe', 'inherit'] })
    const exit = once(child, 'exit')
    const outcomes = new Arrivals<Outcome>()
    createInterface(child.stdout).on('line', (line) => outcomes.push(JSON.parse(line)))
    let asked = 0
    const ask = (order: { method: string; path: string; bytes: number }): Promise<Outcome> => {
      child.stdin.write(`${JSON.stringify(order)}\n`)
      const ended = exit.then(([code]): Outcome => ({ failed: `python3 exited with ${code}` }))
      return within(Promise.race([outcomes.at(asked++), ended]), () => `Python's answer to ${order.path}`, 25_000)
    }
    return {
      get: (path) => ask({ method: 'GET', path, bytes: 0 }),
      post: (path, bytes) => ask({ method: 'POST', path, bytes }),
      end: async () => {
        child.stdin.end()
        const late = setTimeout(() => child.kill('SIGKILL'), 5_000)
        await exit
        clearTimeout(late)
      },
    }
  },
}
