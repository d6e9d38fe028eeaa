import { mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { COPIED, REPOSITORY, repositoryLinks } from '../links.mjs'
import { pages, sidebar, titleOf } from '../sidebar.mjs'
import { slug } from '../slug.mjs'

/** For the test: without the API pages, whose types have tests of their own, and as quick as can be. */
const quick = process.env.DOCS_QUICK === '1'
const docs = join(import.meta.dirname, '../../docs')
/** The pages stand outside this folder, where no Vue is to be found: it is that of VitePress. */
const vue = join(dirname(realpathSync(join(import.meta.dirname, '../node_modules/vitepress'))), 'vue')

/** What a page is about, for llms.txt: its first sentence that is no heading, picture, list or code. */
function firstSentence(page) {
  const paragraph = page
    .replace(/^---\n.*?\n---\n/s, '')
    .replaceAll(/^```.*?^```$|<!--.*?-->/gms, '')
    .split(/\n\s*\n/)
    .find((text) => /^[`*"[]*(?!What to copy|Each example)[A-Za-z@]/.test(text.trim()))
  const plain = (paragraph ?? '')
    .trim()
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll('**', '')
  return /^.*?\.(?= |$)/.exec(plain)?.[0] ?? plain
}

const escaped = (code) => code.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

/** @type {import('vitepress').UserConfig} */
export default {
  srcDir: '../docs',
  srcExclude: quick ? ['api/**'] : [],
  // These are no pages of VitePress: buildEnd copies them.
  ignoreDeadLinks: [/\/probe\/index$/, /\/demo$/, ...(quick ? [/\/api\//] : [])],
  outDir: process.env.DOCS_OUT ?? 'dist',
  cacheDir: 'node_modules/.cache/vitepress',
  base: process.env.DOCS_BASE ?? '/',
  title: 'halfclose',
  description:
    'A connection policy for Node HTTP servers: what was accepted is answered, up to a deadline, and what is cut is reported',
  vite: { resolve: { alias: { vue } }, build: { minify: !quick, reportCompressedSize: false } },
  markdown: {
    ...(quick ? { highlight: (code) => `<pre v-pre><code>${escaped(code)}</code></pre>` } : {}),
    anchor: { slugify: slug },
    toc: { slugify: slug },
    config: (markdown) => markdown.use(repositoryLinks),
  },
  themeConfig: {
    search: {
      provider: 'local',
      // A code or an option shall lead to the page that explains it, before the lists of the API.
      options: { miniSearch: { searchOptions: { boostDocument: (id) => (id.includes('/api/') ? 0.2 : 1) } } },
    },
    sidebar: sidebar(),
    outline: 'deep',
    nav: [
      { text: 'Options', link: '/options' },
      { text: 'Troubleshooting', link: '/troubleshooting' },
      { text: 'API', link: '/api/' },
    ],
    socialLinks: [{ icon: 'github', link: 'https://github.com/halfclose/halfclose' }],
  },
  buildEnd({ outDir }) {
    const text = (page) => readFileSync(page === 'index' ? join(docs, '../README.md') : join(docs, `${page}.md`), 'utf8')
    const line = ({ text: title, link }) =>
      `- [${title}](${link}.html): ${link === '/index' ? 'what it does, how to start, and how it compares.' : firstSentence(text(link.slice(1)))}`
    const list = sidebar().map(({ text: group, items }) => `## ${group}\n\n${items.map(line).join('\n')}`)
    const head =
      '# halfclose\n\n> A connection policy for Node HTTP servers, as a plugin for Fastify, Express and plain node:http.\n'
    for (const page of COPIED) {
      mkdirSync(dirname(join(outDir, page)), { recursive: true })
      // Their links lead to the repository.
      writeFileSync(join(outDir, page), readFileSync(join(docs, page), 'utf8').replaceAll('href="../../', `href="${REPOSITORY}`))
    }
    writeFileSync(join(outDir, 'llms.txt'), `${head}\n${list.join('\n\n')}\n`)
    writeFileSync(join(outDir, 'llms-full.txt'), pages.map((page) => `<!-- ${titleOf(page)} -->\n\n${text(page)}`).join('\n\n'))
  },
}
