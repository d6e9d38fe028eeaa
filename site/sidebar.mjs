import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { API } from './api.mjs'

const docs = join(import.meta.dirname, '../docs')

/** The pages, by what people want to do. One that is not named here stands under "More". */
const GROUPS = {
  Start: ['index', 'options', 'glossary', 'handle', 'limits', 'long-lived', 'comparison'],
  'Something is wrong': ['troubleshooting', 'codes'],
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
  'Watch it': ['observability', 'connection-log', 'who-is-open'],
  Understand: ['connections', 'node', 'conformance', 'benchmark', 'deploy-results', 'fuzz'],
}

/** Where the heading of the page is too long for the sidebar. */
const titles = {
  index: 'halfclose',
  handle: 'Handle, log and report',
  limits: 'Too many connections',
  comparison: 'Compared with others',
  observability: 'Metrics',
  'connection-log': 'Connection log',
  codes: 'Codes',
  frameworks: 'Hono, Koa, h3, GraphQL, MCP, …',
  register: 'Without touching the code',
  benchmark: 'What halfclose costs',
  'deploy-results': 'Deploys under load',
  fuzz: 'The last run of the fuzzer',
  'migration/index': 'From what you have',
  'recipes/aws-ecs': 'AWS ECS and ALB',
  'recipes/systemd': 'systemd',
  'recipes/reuseport': 'Two processes on one port',
  'recipes/under-pressure': 'Short of memory or time',
  'recipes/nginx': 'nginx',
  'recipes/haproxy': 'HAProxy',
}

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
  if (existsSync(join(docs, 'api'))) {
    const items = Object.entries(API).map(([name, { from }]) => ({ text: from, link: `/api/${name}` }))
    list.push({ text: 'API', collapsed: true, items })
  }
  return list.filter(({ items }) => items.length > 0)
}
