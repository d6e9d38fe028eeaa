import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

const root = path.join(__dirname, '../..')
const text = readFileSync(path.join(root, 'SECURITY.md'), 'utf8')

/** Whatever looks like a case: `subject/what`. */
const named = [...text.matchAll(/`([a-z0-9-]+\/[a-z0-9-]+)`/g)].map(([, name = '']) => name)

const cases = ['test/contract/cases', 'test/http2/cases']
  .flatMap((folder) => readdirSync(path.join(root, folder)).map((name) => path.join(root, folder, name)))
  .map((file) => readFileSync(file, 'utf8'))
  .flatMap((code) => [
    ...[...code.matchAll(/\bid: '([^']+)'/g)].map(([, id = '']) => id),
    ...[...code.matchAll(/\brefused\(\s*'([^']+)'/g)].map(([, id = '']) => `conformance/${id}`),
  ])

test.each([...new Set(named)])('SECURITY.md names %s, which is a test', (name) => {
  expect(cases).toContain(name)
})

test('every promise names a test that holds it', () => {
  const rows = text.split('\n').filter((line) => /^\| (?!a client that|---)/.test(line))
  expect(rows.length).toBeGreaterThan(8)
  for (const row of rows) expect(row).toMatch(/`[a-z0-9-]+\/[a-z0-9-]+`|\]\([a-z/-]+\.test\.ts\)/)
})
