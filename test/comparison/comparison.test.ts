import { spawnSync } from 'node:child_process'
import path from 'node:path'

test('the comparison with other packages in README.md is what they do', () => {
  const compare = path.join(__dirname, 'compare.mjs')
  const { status, stderr } = spawnSync(process.execPath, [compare, 'check'], { encoding: 'utf8' })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
}, 120_000)
