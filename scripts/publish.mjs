// Publishes the tarballs that `npm test` has packed and checked, those that the registry does not have yet: `npm run release:publish`, which only the release
// workflow runs. `--dry-run` asks nobody and publishes nothing.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root, tarballs } from './steps.mjs'

const dryRun = process.argv.includes('--dry-run')
const packed = join(root, '.pack')
const npm = (...args) => execFileSync('npm', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })

for (const tarball of tarballs(packed)) {
  const { name, version } = JSON.parse(execFileSync('tar', ['-xzOf', tarball, 'package/package.json'], { encoding: 'utf8' }))
  if (version !== JSON.parse(readFileSync(join(root, 'packages/core/package.json'), 'utf8')).version)
    throw new Error(`${tarball} is of another version: run npm test`)
  if (!dryRun && isPublished(name, version)) console.log(`${name}@${version} is there already`)
  else {
    npm('publish', tarball, '--access', 'public', ...(dryRun ? ['--dry-run'] : ['--provenance']))
    // The words by which changesets/action knows what to make a release of.
    console.log(`${dryRun ? 'Would publish' : 'New tag:'} ${name}@${version}`)
    if (!dryRun) execFileSync('git', ['tag', `${name}@${version}`])
  }
}

function isPublished(name, version) {
  try {
    return npm('view', `${name}@${version}`, 'version').trim() === version
  } catch {
    return false
  }
}
