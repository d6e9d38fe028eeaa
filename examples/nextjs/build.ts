import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

const NEXT = path.join(__dirname, 'node_modules/next')
const BUILT = path.join(__dirname, '.next/BUILD_ID')
/** What `output: 'standalone'` makes. */
export const STANDALONE = path.join(__dirname, '.next/standalone/examples/nextjs/server.js')
const OF = path.join(__dirname, '.next/built-of')

/** `next build`, unless that was done of these very files. It takes from ten seconds to a minute, and needs no network. */
export async function build(): Promise<void> {
  const sources = hash()
  while (!existsSync(BUILT) || !existsSync(STANDALONE) || !existsSync(OF) || readFileSync(OF, 'utf8') !== sources) {
    const env: NodeJS.ProcessEnv = {
      ...process.env,
      NODE_ENV: 'production',
      NEXT_TELEMETRY_DISABLED: '1',
      NEXT_PRIVATE_STANDALONE: 'true',
    }
    try {
      await promisify(execFile)(process.execPath, [path.join(NEXT, 'dist/bin/next'), 'build', __dirname], { env })
      writeFileSync(OF, sources)
    } catch (error) {
      // Another run of the tests builds it: what comes of that will do.
      if (!/already running/.test(String(error))) throw error
      await sleep(1_000)
    }
  }
}

function hash(): string {
  const hash = createHash('sha256').update(readFileSync(path.join(NEXT, 'package.json')))
  const app = path.join(__dirname, 'app')
  for (const file of readdirSync(app, { recursive: true, encoding: 'utf8' }).sort()) {
    if (file.endsWith('.js')) hash.update(file).update(readFileSync(path.join(app, file)))
  }
  return hash.digest('hex')
}
