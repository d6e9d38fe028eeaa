// Instructions per request, counted by valgrind: only what runs in user space, but almost without noise, whatever else the machine does.
import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { startServer } from '../child.mjs'
import { send } from '../one-by-one.mjs'
import { labelOf } from '../variants.mjs'

export const title = 'Instructions per request'

const run_ = promisify(execFile)
const COUNTED = ['bare', 'halfclose', 'counting', 'metrics']

/** How requests come: on one connection, or each on its own. */
const WAYS = [
  { close: false, way: 'kept alive', warmup: 20_000, requests: 4_000 },
  { close: true, way: 'one each', warmup: 12_000, requests: 9_000 },
]

/** Ten times the instructions, so fewer requests. */
const EXPRESS = { warmup: 8_000, requests: 1_500 }

export async function run({ hosts, variants }, say) {
  if (spawnSync('valgrind', ['--version']).error) return { skipped: 'valgrind is not installed' }
  const names = COUNTED.filter((name) => variants.includes(name))
  // Connections of their own on the first host alone: the framework has no part in them.
  const jobs = WAYS.flatMap((way) =>
    (way.close ? hosts.slice(0, 1) : hosts).flatMap((host) =>
      names.map((variant) => ({ host, variant, ...way, ...(host === 'express' && EXPRESS) })),
    ),
  )
  let next = 0
  // Two at a time: they do not disturb each other.
  const work = async () => {
    for (let job = jobs[next++]; job; job = jobs[next++]) {
      job.instructions = await count(job)
      say(`${job.host}, ${labelOf(job.variant)}, ${job.way}: ${Math.round(job.instructions)} instructions per request`)
    }
  }
  await Promise.all([work(), work()])
  const bareOf = ({ host, way }) =>
    jobs.find((job) => job.variant === 'bare' && job.host === host && job.way === way)?.instructions
  return {
    rows: jobs.map((job) => ({ ...job, ratio: job.instructions / bareOf(job) })),
    note: 'User space only, one thread: what the kernel does, about half of the CPU time, is not in it. Nearly the same in every run on kept connections. Of one each there are enough for several collections of garbage.',
  }
}

async function count({ host, variant, close, warmup, requests }) {
  const folder = mkdtempSync(join(tmpdir(), 'halfclose-bench-'))
  const tool = ['--tool=callgrind', '--instr-atstart=no', '--smc-check=all-non-file', `--callgrind-out-file=${folder}/out`]
  // One thread and fixed seeds: what is compiled when does not depend on the clock.
  const nodeOptions = ['--single-threaded', '--hash-seed=1', '--random-seed=1']
  const server = await startServer(host, variant, undefined, { nodeOptions, under: ['valgrind', '-q', ...tool] })
  try {
    // Over several connections: what was compiled while there was only one is thrown away when the next one comes.
    for (let part = 0; part < 4; part++) await send(server.port, warmup / 4, { close })
    const control = (...args) => run_('callgrind_control', [...args, String(server.pid)])
    await control('-i', 'on')
    await send(server.port, requests, { close })
    await control('-i', 'off')
    await control('--dump')
    return totalIn(folder) / requests
  } finally {
    await server.kill()
    rmSync(folder, { recursive: true, force: true })
  }
}

function totalIn(folder) {
  let total = 0
  for (const file of readdirSync(folder))
    total += Number(/^totals: (\d+)/m.exec(readFileSync(join(folder, file), 'utf8'))?.[1] ?? 0)
  if (total === 0) throw new Error('callgrind wrote no total')
  return total
}
