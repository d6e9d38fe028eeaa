/** HAProxy and nginx from Debian's packages, where they are missing. */
import { spawnSync } from 'node:child_process'

/** Debian keeps both where the PATH of a user who is not root does not look. */
const PATH = `${process.env.PATH}:/usr/sbin:/sbin`
const packages = { haproxy: 'haproxy', nginx: 'nginx-light' }

/** @param {string} command @param {string[]} args */
function run(command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: 'utf8',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  })
  return { ok: status === 0, output: `${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}`.trim() }
}

/**
 * The proxy's version, where it is installed and these setups run. The PATH is as long as it must be from then on.
 * @param {import('./settings.mjs').ProxyName} name
 */
export function versionOf(name) {
  if (process.platform !== 'linux') return undefined
  process.env.PATH = PATH
  const { ok, output } = run(name, ['-v'])
  return ok ? /\d+\.\d+\.\d+/.exec(output)?.[0] : undefined
}

/**
 * Whether the proxy can be used: its version, or why not.
 * @param {import('./settings.mjs').ProxyName} name
 * @returns {{ version: string } | { missing: string }}
 */
export function provide(name) {
  if (process.platform !== 'linux') return { missing: `${name}: these setups run on Linux only` }
  const installed = versionOf(name)
  if (installed !== undefined) return { version: installed }
  const by = `apt-get install -y --no-install-recommends ${packages[name]}`
  if (process.getuid?.() !== 0) return { missing: `${name} is not installed, and only root can install it: ${by}` }
  console.log(`${name} is not installed: ${by}`)
  const args = by.split(' ').slice(1)
  let result = run('apt-get', args)
  // The package lists may be missing, or name a version that has gone.
  if (!result.ok && run('apt-get', ['update']).ok) result = run('apt-get', args)
  const version = versionOf(name)
  if (version !== undefined) return { version }
  return { missing: `${name} is not installed, and cannot be: ${result.output.split('\n').slice(-3).join(' / ') || by}` }
}
