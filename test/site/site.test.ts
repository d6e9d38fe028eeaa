import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { describeWith, find } from '../clients/client.js'
import { within } from '../support/wait.js'

// The site as it is built, without its API pages: they are made of types that have tests of their own. `npm run docs:build` builds all of it.

const root = path.join(__dirname, '../..')
const dist = path.join(root, 'node_modules/.cache/halfclose/site')
const pages = readdirSync(path.join(root, 'docs'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.md') && !name.startsWith('api'))
  .map((name) => name.replace(/\.md$/, ''))

const html = (page: string): string => readFileSync(path.join(dist, `${page}.html`), 'utf8')

beforeAll(async () => {
  const script = path.join(root, 'scripts/site.mjs')
  const build = spawn(process.execPath, [script, 'quick', dist], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
  const said = Promise.all([text(build.stdout), text(build.stderr)])
  const [code] = await once(build, 'close')
  if (code !== 0) throw new Error((await said).join('\n'))
}, 180_000)

test('every page is built', () => {
  expect(pages.length).toBeGreaterThan(30)
  expect(pages.filter((page) => !existsSync(path.join(dist, `${page}.html`)))).toEqual([])
})

test('the sidebar and llms.txt lead to every page', () => {
  const sidebar = html('index')
  const list = readFileSync(path.join(dist, 'llms.txt'), 'utf8')
  expect(pages.filter((page) => !sidebar.includes(`href="/${page}.html"`))).toEqual([])
  expect(pages.filter((page) => !list.includes(`(/${page}.html)`))).toEqual([])
})

test.each(['probe/index.html', 'demo.html'])('%s is there as it is, and the first page leads to it', (page) => {
  expect(readFileSync(path.join(dist, page), 'utf8')).not.toContain('href="../..')
  expect(html('index')).toContain(`href="./${page}" target="_self"`)
})

/** `/recipes/` is recipes/index, `/options.html` options. */
const pageOf = (address: string): string =>
  address
    .replace(/^\//, '')
    .replace(/\.html$/, '')
    .replace(/(^|\/)$/, '$1index')

test('every link within the site leads to a heading that is there', () => {
  const ids = new Map(pages.map((page) => [page, new Set([...html(page).matchAll(/ id="([^"]+)"/g)].map(([, id]) => id))]))
  const dead = pages.flatMap((page) =>
    [...html(page).matchAll(/ href="([^":]*)#([^"]+)"/g)].flatMap(([, file = '', anchor = '']) => {
      const to = file === '' ? page : pageOf(path.posix.join('/', path.posix.dirname(page), file))
      const known = ids.get(to)
      return known?.has(decodeURIComponent(anchor)) || anchor === 'VPContent' ? [] : [`${page}: ${file}#${anchor}`]
    }),
  )
  expect(dead).toEqual([])
})

/** Opens each page in frames of these widths, and says what does not fit, or is not there. */
const harness = (list: readonly string[]): string => `<!doctype html><link rel="icon" href="data:,"><body><script>
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
async function look(page, width) {
  const frame = document.createElement('iframe')
  frame.style.cssText = 'height: 900px; border: 0; width: ' + width + 'px'
  frame.src = '/' + page + '.html'
  document.body.append(frame)
  await new Promise((resolve) => { frame.onload = resolve })
  const inside = frame.contentDocument
  // Until its scripts have taken the page over.
  while (inside.querySelector('#app')?.__vue_app__ === undefined) await wait(20)
  const { scrollWidth } = inside.documentElement
  const found = []
  if (scrollWidth > width) found.push(page + ' needs ' + scrollWidth + ' of ' + width)
  if (!inside.querySelector('main h1')?.textContent) found.push(page + ' has no heading')
  if (!inside.querySelector('.VPNavBarSearch button')) found.push(page + ' has no search')
  if ([...inside.images].some(({ src, complete, naturalWidth }) => src.startsWith(location.origin) && complete && naturalWidth === 0)) found.push(page + ' lacks a picture')
  frame.remove()
  return found
}
(async () => {
  const found = []
  for (const page of ${JSON.stringify(list)}) for (const width of [1280, 390]) found.push(...await look(page, width))
  return found
})().catch((error) => [String(error)]).then((found) => fetch('/report', { method: 'POST', body: JSON.stringify(found) }))
</script>`

const TYPES: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
}

describeWith(
  find('chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'),
  'headless Chromium',
  'no chromium on this machine',
  (program) => {
    it('shows the pages wide and narrow: nothing is broader than the window, every picture is there', async () => {
      // A site that was looked at already, by this test, needs no second look.
      const key =
        readFileSync(path.join(dist, '../site.stamp'), 'utf8') +
        createHash('sha256').update(readFileSync(__filename)).digest('hex')
      const seen = path.join(dist, '../site-seen.stamp')
      if (!process.env.HALFCLOSE_RUNS && existsSync(seen) && readFileSync(seen, 'utf8') === key) return
      // The ones with the widest tables, the longest lines of code, and pictures. HALFCLOSE_RUNS: all.
      const some = ['index', 'options', 'troubleshooting', 'comparison', 'recipes/kubernetes', 'migration/terminus']
      let reported: (found: unknown) => void = () => {}
      const report = new Promise<unknown>((resolve) => {
        reported = resolve
      })
      const list = process.env.HALFCLOSE_RUNS ? pages : some
      const server = createServer(async (request, response) => {
        const { pathname } = new URL(request.url ?? '/', 'http://a')
        const file = path.join(dist, decodeURIComponent(pathname))
        if (pathname === '/harness') response.setHeader('Content-Type', 'text/html').end(harness(list))
        else if (pathname === '/report') {
          reported(JSON.parse(await text(request)))
          response.end()
        } else if (existsSync(file)) {
          response.setHeader('Content-Type', TYPES[path.extname(file)] ?? 'application/octet-stream').end(readFileSync(file))
        } else response.writeHead(404).end()
      }).listen(0, '127.0.0.1')
      await once(server, 'listening')
      const profile = mkdtempSync(path.join(tmpdir(), 'halfclose-site-'))
      const { port } = server.address() as AddressInfo
      const flags = [
        '--headless',
        '--no-sandbox',
        '--disable-gpu',
        '--disable-dev-shm-usage',
        '--no-first-run',
        // The badges are of other sites, which are not asked.
        '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
        '--window-size=1400,1000',
      ]
      const args = [...flags, `--user-data-dir=${profile}`, `http://127.0.0.1:${port}/harness`]
      const browser = spawn(program, args, { stdio: 'ignore', detached: true })
      const exit = once(browser, 'exit')
      try {
        expect(await within(report, () => 'what the browser saw', 150_000)).toEqual([])
        writeFileSync(seen, key)
      } finally {
        // It leads a process group of its own.
        if (browser.pid !== undefined && browser.exitCode === null) process.kill(-browser.pid, 'SIGKILL')
        await exit
        server.close()
        server.closeAllConnections()
        rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
      }
    }, 180_000)
  },
)
