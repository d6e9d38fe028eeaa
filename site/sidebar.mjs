import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const docs = join(import.meta.dirname, '../docs')

/** The pages, by what people want to do. One that is not named here stands under "More". */
const GROUPS = {
  Start: ['index', 'options', 'glossary', 'handle', 'limits', 'long-lived', 'comparison'],
  'Something is wrong': ['troubleshooting', 'observability', 'connection-log', 'who-is-open', 'codes'],
  'Come from something else': [
    'migration/index',
    ...['server-close', 'http-terminator', 'terminus', 'stoppable', 'lightship', 'close-with-grace', 'fastify-graceful-shutdown'],
    ...['apollo', 'nestjs', 'nextjs'],
  ].map((name) => (name.includes('/') ? name : `migration/${name}`)),
  'Use it with': ['frameworks', 'recipes/nestjs', 'recipes/nextjs', 'register', 'forwarding', 'http2'],
  'Run it on': [
    'timers',
    'recipes/kubernetes',
    'recipes/aws-ecs',
    'recipes/systemd',
    'recipes/pm2',
    'recipes/cluster',
    'recipes/reuseport',
    'recipes/under-pressure',
  ],
  'Behind a proxy': ['proxies', 'recipes/nginx', 'recipes/haproxy'],
  'Watch it': ['observability', 'connection-log', 'probe'],
  Understand: ['connections', 'node', 'conformance', 'benchmark'],
}

const titles = { index: 'halfclose', 'migration/index': 'From what you have' }

/** Every page, without those that are generated. */
export const pages = readdirSync(docs, { recursive: true })
  .filter((name) => name.endsWith('.md') && !name.startsWith('api/'))
  .map((name) => name.slice(0, -3))
  .sort()

export const titleOf = (page) =>
  titles[page] ?? /^# (.+)$/m.exec(readFileSync(join(docs, `${page}.md`), 'utf8'))?.[1].replaceAll('`', '') ?? page

export function sidebar() {
  const named = new Set(Object.values(GROUPS).flat())
  const groups = { ...GROUPS, More: pages.filter((page) => !named.has(page)) }
  const list = Object.entries(groups).map(([text, names]) => ({
    text,
    collapsed: text === 'Come from something else',
    items: names.filter((name) => pages.includes(name)).map((name) => ({ text: titleOf(name), link: `/${name}` })),
  }))
  const api = existsSync(join(docs, 'api')) ? readdirSync(join(docs, 'api')).filter((name) => name.endsWith('.md')) : []
  if (api.length > 0) {
    const items = api.sort().map((name) => ({ text: name.replace('.md', ''), link: `/api/${name.slice(0, -3)}` }))
    list.push({ text: 'API', collapsed: true, items })
  }
  return list.filter(({ items }) => items.length > 0)
}
