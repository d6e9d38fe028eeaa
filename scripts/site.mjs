// The site: `npm run docs` serves it, `npm run docs:build` builds it into site/dist, after the API pages were made of the types that are published.
// `quick FOLDER`, for its test, builds it without them, and only where something has changed.
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { build, hash, install, node, root, step, unlessStamped } from './steps.mjs'

const site = join(root, 'site')
const vitepress = join(site, 'node_modules/vitepress/bin/vitepress.js')
const [mode = 'build', folder] = process.argv.slice(2)

if (mode === 'quick') {
  const out = join(folder, '../site.stamp')
  if (!existsSync(join(folder, 'index.html'))) rmSync(out, { force: true })
  const env = { ...process.env, DOCS_QUICK: '1', DOCS_OUT: folder }
  await step('site', () => unlessStamped(out, hash(...sources()), () => node([vitepress, 'build'], { cwd: site, env })))
} else {
  await install()
  await build()
  await step('API pages', () => {
    rmSync(join(root, 'docs/api'), { recursive: true, force: true })
    return node([join(site, 'node_modules/typedoc/bin/typedoc')], { cwd: site })
  })
  if (mode === 'dev') await node([vitepress, 'dev', '--port', '8080'], { cwd: site, live: true })
  else await step('site', () => node([vitepress, 'build'], { cwd: site }))
}

function sources() {
  const files = (from, recursive) => readdirSync(from, { recursive }).map((name) => join(from, name))
  return [
    join(root, 'README.md'),
    ...files(join(root, 'docs'), true),
    ...files(site, false),
    ...files(join(site, '.vitepress'), true),
  ]
    .filter((file) => !file.startsWith(join(root, 'docs/api')) && statSync(file).isFile())
    .map((file) => readFileSync(file))
}
