import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'

const root = path.join(__dirname, '../..')

// Types that change without anybody meaning it break other people's builds. The reports beside this file are what is public.
test('the public types are those of the reports', () => {
  const { status, stderr } = spawnSync(process.execPath, [path.join(root, 'scripts/api.mjs'), 'check'], { encoding: 'utf8' })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  expect(existsSync(path.join(__dirname, 'core.api.md'))).toBe(true)
}, 180_000)
