import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

const NEXT = path.join(__dirname, 'node_modules/next')
const BUILT = path.join(__dirname, '.next/BUILD_ID')
/** What `output: 'standalone'` makes. */
export const STANDALONE = path.join(__dirname, '.next/standalone/examples/nextjs/server.js')
const OF = path.join(__dirname, '.next/built-of')

/** Made by the test that builds: the others wait. Next's own lock ends before what it made is noted, and a second build would begin by removing that. */
const LOCK = path.join(__dirname, 'node_modules/.next-build-lock')
/** Milliseconds after which a lock is of a run that was killed. */
const STALE = 300_000

/** `next build`, unless that was done of these very files. It takes from ten seconds to a minute, and needs no network. */
export async function build(): Promise<void> {
  const sources = hash()
  const isBuilt = () => existsSync(BUILT) && existsSync(STANDALONE) && existsSync(OF) && readFileSync(OF, 'utf8') === sources
  while (!isBuilt()) {
    if (!locked()) {
      await sleep(500)
      continue
    }
    try {
      if (!isBuilt()) await buildAnew(sources)
    } finally {
      rmSync(LOCK, { recursive: true, force: true })
    }
  }
}

function locked(): boolean {
  try {
    mkdirSync(LOCK)
    return true
  } catch {
    const since = statSync(LOCK, { throwIfNoEntry: false })?.mtimeMs ?? Date.now()
    if (Date.now() - since > STALE) rmSync(LOCK, { recursive: true, force: true })
    return false
  }
}

async function buildAnew(sources: string): Promise<void> {
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    NODE_ENV: 'production',
    NEXT_TELEMETRY_DISABLED: '1',
    NEXT_PRIVATE_STANDALONE: 'true',
  }
  await promisify(execFile)(process.execPath, [path.join(NEXT, 'dist/bin/next'), 'build', __dirname], { env })
  writeFileSync(OF, sources)
}

function hash(): string {
  const hash = createHash('sha256').update(readFileSync(path.join(NEXT, 'package.json')))
  const app = path.join(__dirname, 'app')
  for (const file of readdirSync(app, { recursive: true, encoding: 'utf8' }).sort()) {
    if (file.endsWith('.js')) hash.update(file).update(readFileSync(path.join(app, file)))
  }
  return hash.digest('hex')
}
