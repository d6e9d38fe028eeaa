import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { probe } from 'halfclose-probe'
import { idsOf, metBy } from './meets.js'

// The same for tier C: the server is a process, started and stopped for each check.

const root = path.join(__dirname, '../../..')
const folder = mkdtempSync(path.join(tmpdir(), 'halfclose-probe-'))
const server = path.join(folder, 'server.cjs')

beforeAll(() => {
  const wire = `--alias:halfclose-probe/wire=${path.join(root, 'packages/probe/src/wire/index.ts')}`
  const options = ['--bundle', '--platform=node', '--log-level=error', wire, `--outfile=${server}`]
  execFileSync(process.execPath, [
    path.join(root, 'node_modules/esbuild/bin/esbuild'),
    path.join(__dirname, 'server/child.ts'),
    ...options,
  ])
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** One that nobody listens on. */
async function freePort(): Promise<number> {
  const listener = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => listener.once('listening', resolve))
  const address = listener.address()
  await new Promise((resolve) => listener.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}

async function stopped(faults: string[], only?: string[], tls = false) {
  const port = await freePort()
  const { results } = await probe({
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}/`,
    run: `${tls ? `OVER_TLS=1 HALFCLOSE_ROOT='${root}' ` : ''}'${process.execPath}' '${server}' ${port} ${faults.join(' ')}`,
    tiers: ['c'],
    only,
    slow: '/slow?ms=800',
    stream: '/stream',
    patience: 3_000,
    deadline: 4_000,
  })
  const seen = results.filter(({ outcome }) => !['pass', 'yes'].includes(outcome))
  return {
    broken: seen.filter(({ outcome }) => outcome !== 'not applicable').map(({ id }) => id),
    missing: seen.filter(({ outcome }) => outcome === 'not applicable').map(({ id }) => id),
    seen: seen.map(({ id, outcome, detail }) => `${id}: ${outcome}, ${detail}`),
    repeated: results.filter(({ detail }) => detail.endsWith('(3 of 3 times)')).map(({ id }) => id),
  }
}

test.concurrent('the faultless server passes all', async () => {
  const repeated = ['c/in-flight', 'c/idle-promise', 'c/in-the-kernel', 'c/accept-queue', 'c/refused-after']
  expect(await stopped([])).toEqual({ broken: [], missing: [], seen: [], repeated })
}, 120_000)

test.concurrent.each(idsOf('c'))(
  'breaking %s fails that check alone',
  async (id) => {
    const { broken, seen } = await stopped([id], metBy(id))
    expect({ broken, seen }).toEqual({ broken: [id], seen })
  },
  120_000,
)

test.concurrent('over TLS a connection that is accepted and then reset, amid its handshake, is not refused', async () => {
  const only = ['c/refused-after']
  expect(await stopped([], only, true)).toMatchObject({ broken: [], missing: [] })
  expect(await stopped(only, only, true)).toMatchObject({ broken: only })
}, 120_000)
