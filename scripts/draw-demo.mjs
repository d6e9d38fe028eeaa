// Draws docs/demo.png: of a page that `npm run demo -- --framework express --restarts 2 --page demo.html` has made, some of its connections, by Chromium.
// `npm run build && node scripts/draw-demo.mjs demo.html`. docs/demo.html is that page.
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { renderDrain } from '@halfclose/core/view'
import { root, run } from './steps.mjs'

/** Lanes of each deploy. */
const LANES = 13

const [page] = process.argv.slice(2)
if (page === undefined) throw new Error('which page? node scripts/draw-demo.mjs demo.html')
const [, json = ''] = /<script type="application\/json" id="data">(.*?)<\/script>/s.exec(readFileSync(page, 'utf8')) ?? []
const records = JSON.parse(json).map((record) => {
  // All that lost a request would look alike: of every few one.
  const some = record.lanes.filter(({ spans }) => spans.length > 2)
  const step = Math.max(1, Math.floor(some.length / LANES))
  const lanes = some.filter((_lane, at) => at % step === 0).slice(0, LANES)
  return { ...record, lanes, more: record.more + record.lanes.length - lanes.length }
})
const file = join(tmpdir(), `halfclose-draw-${process.pid}.html`)
writeFileSync(file, renderDrain(records))
try {
  const size = `--window-size=1200,${90 + records.length * (LANES * 24 + 100)}`
  const quiet = ['--headless', '--no-sandbox', '--disable-gpu', '--hide-scrollbars', '--force-color-profile=srgb']
  await run('chromium', [...quiet, size, `--screenshot=${join(root, 'docs/demo.png')}`, pathToFileURL(file).href])
} finally {
  rmSync(file)
}
