import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { rules } from 'halfclose-probe'
import { describeWith, find } from '../../../test/clients/client.js'
import { Chromium } from '../../../test/support/chromium.js'

// docs/probe/index.html, what real servers do: drawn of docs/probe/results, to be read without JavaScript and without a server.

const root = path.join(__dirname, '../../..')
const file = path.join(root, 'docs/probe/index.html')
const html = readFileSync(file, 'utf8')

test('the page is what the results and the rules make', async () => {
  const said = await promisify(execFile)(process.execPath, ['scripts/probe-page.mjs', 'check'], { cwd: root })
  expect(said).toEqual({ stdout: '', stderr: '' })
})

test('it needs nothing but itself', () => {
  expect(html).not.toMatch(/<script|<link|<img|@import|url\(| on\w+=/)
})

interface Stored {
  version: string
  scores: { tier: string; ms: number }[]
  results: { id: string }[]
}

const names = readdirSync(path.join(root, 'docs/probe/results'))

test('more than twelve servers are in it, most of them over TLS as well', () => {
  expect(names.filter((name) => !name.endsWith('-tls.json')).length).toBeGreaterThan(12)
  expect(names.filter((name) => name.endsWith('-tls.json')).length).toBeGreaterThan(4)
})

test.each(names)('%s: of a known version, tier a soon after its patience of 95 s, a verdict for every check', (name) => {
  const { version, scores, results }: Stored = JSON.parse(readFileSync(path.join(root, 'docs/probe/results', name), 'utf8'))
  expect(version).toMatch(/^\d+\.\d+/)
  expect(scores.find(({ tier }) => tier === 'a')?.ms).toBeLessThan(110_000)
  expect(results.map(({ id }) => id)).toEqual(rules.map(({ id }) => id))
})

/** What is broader than the window, or too faint to be read (WCAG: 4.5 to 1). */
const LOOK = `(() => {
  const found = []
  if (document.documentElement.scrollWidth > innerWidth) found.push('needs ' + document.documentElement.scrollWidth + ' of ' + innerWidth)
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number)
  const light = (colour) => {
    const [r, g, b] = numbers(colour).map((value) => (value / 255 <= 0.03928 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4))
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const behind = (element) => {
    const colour = getComputedStyle(element).backgroundColor
    return numbers(colour)[3] === 0 && element.parentElement ? behind(element.parentElement) : colour
  }
  for (const which of ['.pass', '.fail', '.warn', '.yes', '.no', '.not-applicable', '.told', 'small', 'code', 'h1', 'thead th', '.subject th', 'a']) {
    const element = document.querySelector(which)
    if (element === null) continue
    const [one, other] = [light(getComputedStyle(element).color), light(behind(element))]
    const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05)
    if (contrast < 4.5) found.push(which + ' has a contrast of ' + contrast.toFixed(1))
  }
  return found
})()`

/** The levels of the rows that are shown. */
const SHOWN = `[...new Set([...document.querySelectorAll('tr[data-level]')].filter((row) => row.offsetHeight > 0).map((row) => row.dataset.level))].join(' ')`

/** Opens the first cell with a transcript, and says what is then seen of it, and whether that is within the window. */
const OPENED = `(() => {
  const cell = [...document.querySelectorAll('td details')].find((one) => one.querySelector('pre'))
  cell.querySelector('summary').click()
  const { top, bottom, left, right } = cell.querySelector('div').getBoundingClientRect()
  return { text: cell.querySelector('div').innerText, within: top >= 0 && left >= 0 && bottom <= innerHeight && right <= innerWidth }
})()`

describeWith(
  find('chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'),
  'headless Chromium',
  'no chromium on this machine',
  (program) => {
    it('shows the page in light and dark, narrow and wide, filtered, and with what is behind a cell', async () => {
      const chromium = await Chromium.start(program)
      try {
        for (const screen of [{ width: 1_400 }, { width: 390, dark: true }, { width: 1_400, dark: true }, { width: 390 }]) {
          const page = await chromium.open('about:blank', screen)
          await page.call('Emulation.setScriptExecutionDisabled', { value: true })
          await page.call('Page.navigate', { url: pathToFileURL(file).href })
          await page.until('document.querySelectorAll("h2").length === 5 && document.readyState === "complete"')
          expect({ screen, found: await page.evaluate(LOOK) }).toEqual({ screen, found: [] })
          expect(await page.evaluate(OPENED)).toMatchObject({ text: expect.stringMatching(/ ms {2}sent/), within: true })
          expect(await page.evaluate(SHOWN)).toBe('SHOULD MUST behaviour')
          await page.evaluate(`document.querySelector('#show-MUST').click()`)
          expect(await page.evaluate(SHOWN)).toBe('MUST')
          await page.close()
        }
        expect(chromium.said).toEqual([])
      } finally {
        await chromium.stop()
      }
    }, 120_000)
  },
)
