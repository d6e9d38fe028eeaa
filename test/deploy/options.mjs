import { parseArgs } from 'node:util'
import * as settings from './settings.mjs'

/**
 * @typedef {{
 *   mode: settings.Mode, short: boolean, proxies: readonly settings.ProxyName[], frameworks: readonly settings.Framework[],
 *   policies: readonly settings.Policy[], listeners: readonly settings.Listener[], protocols: readonly settings.Protocol[],
 *   out: string | undefined, allowMissing: boolean, losses: boolean, keep: boolean
 * }} Options
 */

/** @template {string} T @param {string} name @param {string | undefined} value @param {readonly T[]} all @returns {readonly T[]} */
function choose(name, value, all) {
  if (value === undefined) return all
  const chosen = all.filter((one) => one === value)
  if (chosen.length === 0) throw new RangeError(`--${name} must be one of ${all.join(', ')}, not ${value}`)
  return chosen
}

/** @param {string} name @param {string | undefined} value @param {number} otherwise */
function number(name, value, otherwise) {
  const parsed = value === undefined ? otherwise : Number(value)
  if (!Number.isInteger(parsed) || parsed < 1) throw new RangeError(`--${name} must be a whole number from 1, not ${value}`)
  return parsed
}

/** @returns {Options} */
export function readOptions() {
  const { values } = parseArgs({
    options: {
      short: { type: 'boolean', default: false },
      proxy: { type: 'string' },
      framework: { type: 'string' },
      policy: { type: 'string' },
      listener: { type: 'string' },
      protocol: { type: 'string' },
      restarts: { type: 'string' },
      requests: { type: 'string' },
      load: { type: 'string' },
      out: { type: 'string' },
      'allow-missing': { type: 'boolean', default: false },
      losses: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
    },
  })
  const mode = settings.modes[values.short ? 'short' : 'full']
  return {
    mode: {
      ...mode,
      restarts: number('restarts', values.restarts, mode.restarts),
      requests: number('requests', values.requests, mode.requests),
      load: number('load', values.load, mode.load),
    },
    short: values.short,
    proxies: choose('proxy', values.proxy, settings.proxies),
    frameworks: choose('framework', values.framework, settings.frameworks),
    policies: choose('policy', values.policy, settings.policies),
    listeners: choose('listener', values.listener, settings.listeners),
    protocols: choose('protocol', values.protocol, settings.protocols),
    out: values.out,
    allowMissing: values['allow-missing'],
    losses: values.losses,
    keep: values.keep,
  }
}
