import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'
import { where } from '../../../../test/support/where.js'

// Canaries like those of node-private.test.ts, in processes of their own: jest runs in another realm, where objects have other shapes.

interface Shapes {
  readonly like: readonly string[]
  readonly tick: readonly string[]
  readonly same: boolean
}

const MAJOR = Number(process.versions.node.split('.')[0])

function run(script: string, ...args: readonly string[]): Promise<{ stdout: string }> {
  const flags = ['--expose-gc', '--allow-natives-syntax']
  return promisify(execFile)(process.execPath, [...flags, path.join(__dirname, script), ...args], { timeout: 20_000 })
}

test('what is kept has the shape of a tick of Node: all of it on Node 20, and all but one symbol later', async () => {
  const { stdout } = await run('shapes.mjs')
  const { like, tick, same }: Shapes = JSON.parse(stdout)
  const symbols = ['Symbol(async_id_symbol)', 'Symbol(trigger_async_id_symbol)']
  expect(like).toEqual(['callback', 'args', ...symbols])
  expect(tick).toEqual(MAJOR < 22 ? like : [...like, 'Symbol(kAsyncContextFrame)'])
  expect(same).toBe(MAJOR < 22)
})

// Later versions compile it anew, since one symbol is missing.
const whole = where(MAJOR < 22, 'Node 22 and later add a symbol')

// That it is lost without attach() is so in every run on a quiet machine, and in most on a busy one: not asserted.
whole.test(`attach() keeps V8 from forgetting it in a collection${whole.note}`, async () => {
  const { stdout } = await run('collected.mjs', 'attached')
  expect(JSON.parse(stdout)).toEqual({ compiled: true, still: true })
})
