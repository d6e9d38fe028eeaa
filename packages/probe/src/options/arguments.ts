import { constants } from 'node:os'
import { parseArgs } from 'node:util'
import type { Tier } from '../engine/check.js'
import { parseTarget } from '../engine/target.js'
import type { ProbeOptions } from '../probe.js'
import { parseCommand } from '../process/command.js'
import { rules } from '../rules.js'

/** What the command line asks for. */
export type Wanted =
  | { do: 'help' }
  | { do: 'version' }
  | { do: 'explain'; id: string }
  | { do: 'probe'; options: ProbeOptions; files: Files; failOn: FailOn; yes: boolean; floods: boolean }

export interface Files {
  json: string | undefined
  html: string | undefined
  badge: string | undefined
}

/** The level from which on a broken rule makes the exit code 1. */
export type FailOn = 'MUST' | 'SHOULD' | 'never'

/** Every option of the program. */
export const OPTIONS = {
  url: { type: 'string' },
  tier: { type: 'string', multiple: true },
  slow: { type: 'string' },
  stream: { type: 'string' },
  run: { type: 'string' },
  stop: { type: 'string' },
  only: { type: 'string', multiple: true },
  patience: { type: 'string' },
  deadline: { type: 'string' },
  connections: { type: 'string' },
  bytes: { type: 'string' },
  json: { type: 'string' },
  html: { type: 'string' },
  badge: { type: 'string' },
  explain: { type: 'string' },
  'fail-on': { type: 'string' },
  yes: { type: 'boolean' },
  floods: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' },
} as const

/** Throws an Error with a readable sentence if an argument is wrong. */
export function parseArguments(args: readonly string[]): Wanted {
  const { values, positionals } = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true })
  if (values.version) return { do: 'version' }
  if (values.explain !== undefined) return { do: 'explain', id: values.explain }
  if (values.help || args.length === 0) return { do: 'help' }
  const [first, second] = positionals
  if (second !== undefined) throw new Error(`One URL is probed at a time; "${second}" is a second one.`)
  if (first !== undefined && values.url !== undefined)
    throw new Error(`One URL is probed at a time; "${values.url}" and "${first}" are two.`)
  const url = first ?? values.url
  if (url === undefined) throw new Error('No URL is given. Write one like http://127.0.0.1:3000/')
  parseTarget(url)
  if (values.run !== undefined) parseCommand(values.run)
  const tiers = tiersOf(values.tier, values.slow, values.run)
  const options: ProbeOptions = {
    url,
    tiers,
    slow: path('slow', values.slow),
    stream: path('stream', values.stream),
    run: values.run,
    stop: signalOf(values.stop),
    only: onlyOf(values.only, tiers ?? ['a', ...(values.slow ? ['b'] : []), ...(values.run ? ['c'] : [])]),
    patience: number('patience', values.patience, 500, DAY),
    deadline: number('deadline', values.deadline, 500, DAY),
    connections: number('connections', values.connections, 1),
    bytes: number('bytes', values.bytes, 100_000),
  }
  const { json, html, badge, yes = false, floods = false } = values
  return { do: 'probe', options, files: { json, html, badge }, failOn: failOn(values['fail-on']), yes, floods }
}

function tiersOf(given: string[] | undefined, slow: string | undefined, run: string | undefined): Tier[] | undefined {
  const tiers = given
    ?.flatMap((list) => list.toLowerCase().split(','))
    .map((one) => {
      if (one !== 'a' && one !== 'b' && one !== 'c') throw new Error(`--tier ${one}: there are a, b and c.`)
      return one
    })
  if (tiers?.includes('b') && slow === undefined)
    throw new Error("Tier b needs a path whose answer takes its time: --slow '/slow?ms=1500'")
  if (tiers?.includes('c') && run === undefined)
    throw new Error("Tier c needs a process to start and stop: --run 'node server.js'")
  return tiers
}

function path(name: string, given: string | undefined): string | undefined {
  if (given !== undefined && !given.startsWith('/'))
    throw new Error(`--${name} is a path of the same server, and begins with a slash: "${given}"`)
  return given
}

/** A timer of Node's could not wait for much longer. */
const DAY = 86_400_000

function number(name: string, given: string | undefined, least: number, most = Number.MAX_SAFE_INTEGER): number | undefined {
  if (given === undefined) return undefined
  const value = Number(given.replaceAll('_', ''))
  if (!Number.isInteger(value) || value < least) throw new Error(`--${name} is a whole number, at least ${least}: "${given}"`)
  if (value > most) throw new Error(`--${name} is at most ${most}: "${given}"`)
  return value
}

function signalOf(given: string | undefined): NodeJS.Signals | undefined {
  if (given === undefined) return undefined
  const wanted = given.toUpperCase().startsWith('SIG') ? given.toUpperCase() : `SIG${given.toUpperCase()}`
  if (!isSignal(wanted)) throw new Error(`--stop "${given}" is no signal. Most servers stop on SIGTERM.`)
  return wanted
}

function isSignal(name: string): name is NodeJS.Signals {
  return name in constants.signals
}

const WANTS = { a: '--tier a', b: "--slow '/slow?ms=1500'", c: "--run 'node server.js'" }

function onlyOf(given: string[] | undefined, tiers: readonly string[]): string[] | undefined {
  const ids = given?.flatMap((list) => list.split(','))
  const unknown = ids?.find((id) => !rules.some((rule) => rule.id === id))
  if (unknown !== undefined) throw new Error(`There is no check "${unknown}". --help lists them all.`)
  const outside = rules.find(({ id, tier }) => ids?.includes(id) && !tiers.includes(tier))
  if (outside !== undefined)
    throw new Error(`${outside.id} belongs to tier ${outside.tier}, which is not run: it needs ${WANTS[outside.tier]}`)
  return ids
}

function failOn(given = 'MUST'): FailOn {
  const level = given.toUpperCase()
  if (level === 'MUST' || level === 'SHOULD') return level
  if (given.toLowerCase() === 'never') return 'never'
  throw new Error(`--fail-on is MUST, SHOULD or never: "${given}"`)
}
