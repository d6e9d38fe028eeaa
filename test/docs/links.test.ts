import { existsSync, statSync } from 'node:fs'
import path from 'node:path'
import { anchorsOf, linksOf, pages, prose, read, root } from './pages.js'

/** What is wrong with a link of a page; `undefined`: nothing. */
function fault(page: string, target: string): string | undefined {
  const [file = '', anchor] = target.split('#')
  const to = file === '' ? page : path.join(path.dirname(page), file)
  if (!existsSync(path.join(root, to))) return `${target}: there is no ${to}`
  if (anchor === undefined || !to.endsWith('.md')) return undefined
  return anchorsOf(read(to)).has(anchor) ? undefined : `${target}: ${to} has no heading for it`
}

test.each(pages)('%s: no link leads to a file or a heading that is not there', (page) => {
  expect(linksOf(read(page)).flatMap((target) => fault(page, target) ?? [])).toEqual([])
})

test('a link that leads nowhere would be found', () => {
  expect(fault('README.md', 'docs/none.md')).toMatch(/there is no/)
  expect(fault('README.md', 'docs/glossary.md#none')).toMatch(/no heading/)
  expect(fault('docs/options.md', 'glossary.md#output-first')).toBeUndefined()
})

test('every page of docs/ can be reached from README.md by links', () => {
  const reached = new Set(['README.md'])
  for (const page of reached) {
    for (const target of linksOf(read(page))) {
      const to = path.join(path.dirname(page), target.split('#')[0] ?? '')
      if (to.endsWith('.md') && existsSync(path.join(root, to)) && statSync(path.join(root, to)).isFile()) reached.add(to)
    }
  }
  expect(pages.filter((page) => page.startsWith('docs/') && page !== 'docs/index.md' && !reached.has(page))).toEqual([])
})

test.each(pages.filter(explains))('%s names who acts', (page) => {
  expect(prose(read(page)).match(/\b(?:whoever|somebody|nobody|anybody)\b/gi)).toBeNull()
})

test('README.md has at most 150 lines', () => {
  expect(read('README.md').trimEnd().split('\n').length).toBeLessThanOrEqual(150)
})

describe('the glossary', () => {
  const terms = [...read('docs/glossary.md').matchAll(/^## (.+)$/gm)].map(([, term = '']) => term)

  it('has the ten words', () => {
    expect(terms).toEqual([
      ...['promise', 'hold', 'idle', 'silent', 'leaving', 'draining', 'rescued', 'cut', 'lingering', 'output first'],
    ])
  })

  it.each(terms)('README.md links the word "%s" to it', (term) => {
    expect(prose(read('README.md'))).toMatch(
      new RegExp(`\\[\\**${term}\\**\\]\\(docs/glossary\\.md#${term.replace(' ', '-')}\\)`),
    )
  })

  it.each(pages.filter(explains))('%s links each of the words to it where the page uses the word first', (page) => {
    expect(notLinked(read(page))).toEqual([])
  })

  it('a word that is not linked would be found', () => {
    expect(notLinked('# A promise\n\nA promise, the `promise`, a [promise](glossary.md#promise).')).toEqual(['promise'])
    expect(notLinked('# A promise\n\nA [promise](../glossary.md#promise), a promise.')).toEqual([])
  })
})

/** The ten words in the forms in which a page uses them. "Hold" is a verb elsewhere, and a proxy has an idle timeout. */
const USED: Readonly<Record<string, RegExp>> = {
  promise: /\bpromises?\b/,
  hold: /(?<=\b(?:[Tt]he|[Ii]ts|[Aa]|[Tt]his) )hold\b/,
  idle: /\bidle\b(?! timeout)/,
  silent: /\bsilent\b/,
  leaving: /\bleaving\b/,
  draining: /\bdraining\b/,
  rescued: /\brescue[sd]?\b/,
  cut: /\bcuts?\b/,
  lingering: /\blinger(?:s|ing)?\b/,
  'output first': /\boutput first\b/,
}

/** Pages of the documentation that people read from the top. */
function explains(page: string): boolean {
  return /^(docs\/|README|SECURITY|SUPPORT)/.test(page) && !/^docs\/(glossary|index|conformance)\.md$/.test(page)
}

/** The words that a page uses before it has linked them to the glossary; headings aside. */
function notLinked(page: string): string[] {
  // Without headings, comments and pictures, and without the addresses to which other links lead.
  const text = prose(page)
    .replaceAll(/^#[^\n]*$|<!--.*?-->|!\[[^\]]*\]\([^)]*\)/gms, '')
    .replaceAll(/\]\((?![^)]*glossary\.md)[^)]*\)/g, ']')
  return Object.entries(USED).flatMap(([term, used]) => {
    const first = text.search(used)
    const links = [...text.matchAll(new RegExp(`\\[[^\\]]*\\]\\([^)]*glossary\\.md#${term.replace(' ', '-')}\\)`, 'g'))]
    const isLinked = links.some((link) => link.index <= first && first < link.index + link[0].length)
    return first === -1 || isLinked ? [] : [term]
  })
}
