import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'

// A canary like those of node-private.test.ts, in a process of its own: jest runs in another realm, where objects have other shapes.

interface Shapes {
  readonly like: readonly string[]
  readonly tick: readonly string[]
  readonly same: boolean
}

const MAJOR = Number(process.versions.node.split('.')[0])

test('what is kept has the shape of a tick of Node: all of it on Node 20, and all but one symbol later', async () => {
  const script = path.join(__dirname, 'shapes.mjs')
  const { stdout } = await promisify(execFile)(process.execPath, ['--allow-natives-syntax', script], { timeout: 20_000 })
  const { like, tick, same }: Shapes = JSON.parse(stdout)
  const symbols = ['Symbol(async_id_symbol)', 'Symbol(trigger_async_id_symbol)']
  expect(like).toEqual(['callback', 'args', ...symbols])
  expect(tick).toEqual(MAJOR < 22 ? like : [...like, 'Symbol(kAsyncContextFrame)'])
  expect(same).toBe(MAJOR < 22)
})
