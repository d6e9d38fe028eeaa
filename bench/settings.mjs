import { parseArgs } from 'node:util'
import { hosts, variants } from './variants.mjs'

export const parts = ['size', 'cpu', 'instructions', 'idle', 'drain', 'linger', 'churn', 'pipeline', 'scale', 'micro']

const USAGE = `npm run bench -- [--quick] [--only ${parts.join(',')}] [--hosts ${hosts.join(',')}] [--variants ${Object.keys(variants).join(',')}] [--out folder | --into folder]`

/** What a quick run leaves out: the peers. */
const OURS = ['bare', 'again', 'halfclose', 'counting']

export function settingsOf(args) {
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      hosts: { type: 'string' },
      variants: { type: 'string' },
      out: { type: 'string' },
      into: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    console.log(USAGE)
    process.exit()
  }
  return {
    quick: values.quick,
    only: listOf('--only', values.only, parts),
    hosts: listOf('--hosts', values.hosts, hosts),
    variants: values.variants
      ? listOf('--variants', values.variants, Object.keys(variants))
      : values.quick
        ? OURS
        : // All but what only `cpu` and `churn` compare with.
          Object.keys(variants).filter((name) => name !== 'output-first' && name !== 'tick-shape'),
    /** Where the results of an earlier run are, of which only the parts of this one are replaced. */
    into: values.into,
    /** Where the JSON and the chart go. A run of some parts only does not overwrite the published results unless it is told to. */
    out: values.out ?? values.into ?? (values.quick || values.only || values.hosts || values.variants ? undefined : 'docs/bench'),
  }
}

function listOf(option, given, known) {
  if (given === undefined) return known
  const names = given.split(',').map((name) => name.trim())
  const wrong = names.find((name) => !known.includes(name))
  if (wrong === undefined) return names
  console.error(`${option} ${wrong}: one or more of ${known.join(',')}\n${USAGE}`)
  process.exit(2)
}
