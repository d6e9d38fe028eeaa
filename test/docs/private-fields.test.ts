import { read } from './pages.js'

// docs/node.md says which private fields of Node are touched: those that these files name, and no others.

const FILES = ['response-fields', 'parser', 'socket-handle', 'server-fields']
const source = FILES.map((name) => read(`packages/core/src/node/${name}.ts`))
  .join('\n')
  .replaceAll(/\/\*.*?\*\//gs, '')
  .replaceAll(/\/\/.*/g, '')
const inSource = new Set([...source.matchAll(/\b_[a-z]\w*/g)].map(([name]) => name))
const page = read('docs/node.md')
const fields = page.slice(page.indexOf('## Private fields'))
const inDocs = new Set([...fields.matchAll(/`(_\w+)`/g)].map(([, name]) => name))

test('each private field that is touched stands in docs/node.md, and nothing else does', () => {
  expect([...inDocs].sort()).toEqual([...inSource].sort())
})
