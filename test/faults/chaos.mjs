/**
 * Random faults, for as long as asked: `npm run soak -- --chaos --minutes 10 --seed 7`. Each life is one kind of server, clients that keep account, and a plan of faults that follows from its seed; a life whose ledgers
 * disagree ends the run, and `--seed <of that life> --lives 1` plays its plan again. What the machine does in between is not in the seed.
 */
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Account, Load, together } from './accounting.mjs'
import { Service } from './service.mjs'

/** @typedef {import('./accounting.mjs').Kind} Kind */
/** @typedef {{ kind: Kind, service: Service, retired: Service[], reports: Promise<any>[], load: Load, others: Account, random: () => number, limit: number, killed: boolean }} Life */
/** @typedef {{ at: number, fault: string }} Step */

/** @type {Kind[]} */
const KINDS = ['http', 'https', 'express', 'fastify', 'h2c', 'h2']
/** Milliseconds of a life before its last drain. */
const LASTS = 6_000
/** Milliseconds after which something hangs, however slow the machine. */
const LONGEST = 90_000

/** Numbers from 0 to 1 that follow from a seed (mulberry32). @param {number} seed */
export function randomOf(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** @param {Life} life @param {number} most */
const upTo = ({ random }, most) => Math.round(random() * most)

/** What may happen. @type {Record<string, (life: Life) => Promise<void>>} */
const FAULTS = {
  'stop and continue': async (life) => {
    const { service } = life
    service.signal('SIGSTOP')
    await sleep(100 + upTo(life, 1_500))
    service.signal('SIGCONT')
  },
  'block the loop': async (life) => void life.service.ask('block', { ms: 100 + upTo(life, 1_200) }).catch(() => {}),
  'relieve idle connections': async (life) => void (await life.service.ask('relieve', { count: upTo(life, 20) })),
  'take all descriptors': async (life) => {
    const { service } = life
    await service.ask('take', { limit: life.limit, left: upTo(life, 4) })
    await sleep(200 + upTo(life, 800))
    if (service === life.service) await service.ask('give')
  },
  'fill the heap': async ({ service }) => void (await service.ask('fill', { mb: 110 })),
  'a crowd': async (life) => {
    const clients = Array.from({ length: 20 + upTo(life, 80) }, () =>
      life.others.client({ port: life.service.port, kind: life.kind }),
    )
    await Promise.all(clients.map((client) => client.ask({ ms: upTo(life, 30) }).then(() => client.close())))
  },
  'clients that go amid a request': async (life) => {
    const clients = Array.from({ length: 10 }, () => life.others.client({ port: life.service.port, kind: life.kind }))
    const asked = clients.map((client) => client.ask({ ms: 200, body: 20_000 }))
    await sleep(upTo(life, 150))
    for (const client of clients) client.close()
    await Promise.all(asked)
  },
  'half a request, and a reset': async (life) => {
    for (let n = 0; n < 10; n++) {
      const socket = connect(life.service.port, '127.0.0.1').on('error', () => {})
      socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Le')
      setTimeout(() => socket.resetAndDestroy(), upTo(life, 400))
    }
  },
  'a deploy': async (life) => {
    const { service } = life
    await replace(life)
    life.reports.push(service.ask('drain'))
  },
  'kill -9': async (life) => {
    const { service } = life
    service.signal('SIGKILL')
    life.killed = true
    await replace(life)
  },
}

/** @param {Life} life */
async function replace(life) {
  life.retired.push(life.service)
  life.service = await begin(life.kind, life.limit)
  for (const client of life.load.clients) client.moveTo(life.service.port)
}

/** @param {Kind} kind @param {number} limit */
const begin = (kind, limit) =>
  Service.start(
    { kind, options: { keepAlive: { timeout: 1_000 } } },
    // A small heap is full soon.
    { wrap: ['sh', '-c', `ulimit -n ${limit}; exec "$0" "$@"`], execArgv: ['--max-old-space-size=160'] },
  )

/** @param {() => number} random @returns {Step[]} */
export function planOf(random) {
  const names = Object.keys(FAULTS)
  const steps = Array.from({ length: 3 + Math.floor(random() * 5) }, () => ({
    at: Math.round(random() * LASTS),
    fault: names[Math.floor(random() * names.length)] ?? '',
  }))
  return steps.sort((one, other) => one.at - other.at)
}

/** What both ledgers say at its end, and what is wrong. @param {number} seed */
export async function live(seed) {
  const random = randomOf(seed)
  const kind = KINDS[Math.floor(random() * KINDS.length)] ?? 'http'
  const limit = random() < 0.5 ? 128 : 1_024
  const plan = planOf(random)
  const account = new Account()
  const service = await begin(kind, limit)
  const load = new Load(account, { port: service.port, kind }, { clients: 12, random })
  /** @type {Life} */
  const life = { kind, service, retired: [], reports: [], load, others: new Account('other'), random, limit, killed: false }
  const began = performance.now()
  const wrong = []
  for (const { at, fault } of plan) {
    await sleep(Math.max(0, began + at - performance.now()))
    await within(FAULTS[fault]?.(life), fault)
  }
  await sleep(Math.max(0, began + LASTS - performance.now()))
  life.reports.push(life.service.ask('drain'))
  for (const report of await within(Promise.all(life.reports), 'the drains')) {
    if (report.requests.cut > 0 || report.heldBy.length > 0) wrong.push(`a drain was not clean: ${JSON.stringify(report)}`)
  }
  await within(
    load.stop(),
    `the load: ${account
      .verdict({})
      .wrong.filter((text) => text.includes('neither'))
      .slice(0, 5)}`,
  )
  const all = [...life.retired, life.service]
  for (const one of all) {
    const left = await within(one.leave(), 'the end of a process: something was left open')
    if (left !== 0 && left !== 'SIGKILL') wrong.push(`a process ended with ${left}: ${one.stderr.slice(-500)}`)
  }
  const ledger = together(...all.map((one) => one.ledger()))
  const mine = split(ledger, account)
  const verdict = account.verdict(mine)
  wrong.push(...verdict.wrong, ...life.others.verdict(split(ledger, life.others)).wrong)
  if (!life.killed && verdict.cutAfterRun > 0)
    wrong.push(`${verdict.cutAfterRun} requests were run, and their answers cut, though nothing was killed`)
  await Promise.all(all.map((one) => one.end()))
  return { kind, limit, plan, verdict, wrong }
}

/** The part of a ledger that is an account's. @param {Record<string, number>} ledger @param {Account} account */
function split(ledger, account) {
  return Object.fromEntries(Object.entries(ledger).filter(([id]) => account.outcomes.has(id)))
}

/** @template T @param {Promise<T> | undefined} promise @param {string} what @returns {Promise<T>} */
async function within(promise, what) {
  /** @type {NodeJS.Timeout | undefined} */
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${LONGEST} ms: ${what}`)), LONGEST)
  })
  try {
    // @ts-expect-error: the other one never resolves
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

async function main() {
  const { values } = parseArgs({
    options: {
      chaos: { type: 'boolean' },
      minutes: { type: 'string', default: '10' },
      seed: { type: 'string' },
      lives: { type: 'string' },
    },
  })
  const seed = Number(values.seed ?? Date.now() % 1_000_000)
  const lives = Number(values.lives ?? Number.POSITIVE_INFINITY)
  const until = performance.now() + (values.lives === undefined ? Number(values.minutes) * 60_000 : Number.POSITIVE_INFINITY)
  const sum = { lives: 0, attempts: 0, answered: 0, refused: 0, cut: 0, cutAfterRun: 0 }
  console.log(`chaos: the first seed is ${seed}`)
  for (let n = 0; n < lives && performance.now() < until; n++) {
    const { kind, limit, plan, verdict, wrong } = await live(seed + n)
    sum.lives++
    for (const key of /** @type {const} */ (['attempts', 'answered', 'refused', 'cut', 'cutAfterRun'])) sum[key] += verdict[key]
    const faults = plan.map(({ at, fault }) => `${(at / 1_000).toFixed(1)} ${fault}`).join(', ')
    console.log(
      `${seed + n}  ${kind}, ${limit} descriptors: ${verdict.answered} answered, ${verdict.refused} refused, ${verdict.cut} cut, ${verdict.cutAfterRun} of them run; ${faults}`,
    )
    if (wrong.length === 0) continue
    console.log(`WRONG, play it again with --seed ${seed + n} --lives 1:\n  ${wrong.slice(0, 20).join('\n  ')}`)
    process.exit(1)
  }
  console.log(
    `the ledgers agree: ${sum.lives} lives from seed ${seed}, ${sum.attempts} requests: ${sum.answered} answered, ${sum.refused} refused, ${sum.cut} cut, ${sum.cutAfterRun} of those run (by a process ` +
      "that was killed). None was run without its client knowing, none twice, none was answered with another's answer, and nothing was left open.",
  )
  process.exit()
}

if (process.argv.includes('--chaos')) {
  await main().catch((error) => {
    console.error(`chaos: ${error instanceof Error ? error.message : error}`)
    process.exit(1)
  })
}
