// Other versions of Node, from npm's package `node`: npx keeps them.
import { execFile } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

/** A registry may fail now and then. */
const TRIES = 3
const running = process.versions.node.split('.')[0]

/**
 * @param {string} major
 * @returns {Promise<{ node: string, version: string }>} the program, and its whole version
 */
export async function provideNode(major) {
  if (major === running) return { node: process.execPath, version: process.versions.node }
  const print = ['--yes', '--package', `node@${major}`, 'node', '-p', 'JSON.stringify([process.execPath, process.versions.node])']
  for (let attempt = 1; ; attempt++) {
    try {
      const { stdout } = await promisify(execFile)('npx', print, { timeout: 300_000 })
      const [node, version] = JSON.parse(stdout)
      return { node, version }
    } catch (error) {
      if (attempt === TRIES) throw error
      await sleep(5_000)
    }
  }
}
