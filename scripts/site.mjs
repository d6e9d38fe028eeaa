// The site: `npm run docs` serves it, `npm run docs:build` builds it into site/dist, after the API pages were made of the types that are published.
// `quick FOLDER`, for its test, builds it without them, and only where something has changed.
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { API } from '../site/api.mjs'
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
  await step('API pages', async () => {
    rmSync(join(root, 'docs/api'), { recursive: true, force: true })
    await node([join(site, 'node_modules/typedoc/bin/typedoc')], { cwd: site })
    nameApiPages(join(root, 'docs/api'))
  })
  if (mode === 'dev') await node([vitepress, 'dev', '--port', '8080'], { cwd: site, live: true })
  else await step('site', () => node([vitepress, 'build'], { cwd: site }))
}

/** TypeDoc calls a page after its file: each gets the name by which it is imported, and a table of contents that fits beside it. */
function nameApiPages(folder) {
  const list = Object.entries(API).map(([name, { from, what }]) => `- [\`${from}\`](${name}.md): ${what}`)
  writeFileSync(join(folder, 'index.md'), `# API\n\n${list.join('\n')}\n`)
  for (const file of readdirSync(folder).filter((name) => name !== 'index.md')) {
    const { from, what } = API[file.replace('.md', '')]
    const text = readFileSync(join(folder, file), 'utf8')
    const head = `---\noutline: [2, 3]\n---\n\n# ${from}\n\n${what[0].toUpperCase()}${what.slice(1)}.\n`
    writeFileSync(join(folder, file), text.replace(/^# .*\n/, head))
  }
}

function sources() {
  const files = (from, recursive) => readdirSync(from, { recursive }).map((name) => join(from, name))
  return (
    [join(root, 'README.md'), ...files(join(root, 'docs'), true), ...files(site, false), ...files(join(site, '.vitepress'), true)]
      // Not the API pages, which are made, and not what no page shows.
      .filter((file) => !/^docs\/(api|bench|grafana|probe\/results)\//.test(relative(root, file)) && statSync(file).isFile())
      .map((file) => readFileSync(file))
  )
}
