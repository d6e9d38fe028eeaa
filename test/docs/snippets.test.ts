import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

const root = path.join(__dirname, '../..')
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8')

/** A snippet that shows a file of the repository, the whole of it or some lines, moved to the left. */
type Shown = { file: string; whole: boolean } | 'sketch'
const all = (file: string): Shown => ({ file, whole: true })
const part = (file: string): Shown => ({ file, whole: false })
/** How something is called, and no file's: nobody is sent to a file for it. */
const sketch: Shown = 'sketch'

/** What every snippet of code in the docs is, in order. Commands and what they print are none. */
const docs: Record<string, Shown[]> = {
  'README.md': [sketch, sketch, sketch, sketch],
  'packages/core/README.md': [sketch],
  'packages/express/README.md': [sketch],
  'packages/fastify/README.md': [sketch],
  'docs/frameworks.md': [
    part('examples/ways-in/koa.mjs'),
    part('examples/ways-in/mcp.mjs'),
    part('examples/ways-in/opentelemetry.mjs'),
  ],
  'docs/connection-log.md': [sketch],
  'docs/observability.md': [
    part('examples/metrics/fastify.mjs'),
    part('examples/metrics/express.mjs'),
    part('examples/metrics/fastify.mjs'),
    part('examples/metrics/http.mjs'),
    part('examples/metrics/prometheus.yml'),
    part('examples/metrics/otlp.mjs'),
    part('examples/metrics/two.mjs'),
    part('examples/metrics/two.mjs'),
  ],
  'docs/handle.md': [sketch],
  'docs/options.md': [sketch],
  'packages/probe/README.md': [sketch, sketch],
  'docs/forwarding.md': [sketch, part('test/proxy/forward.mjs')],
  'docs/http2.md': [sketch],
  'docs/long-lived.md': [
    part('examples/long-lived/sse-express.mjs'),
    part('examples/long-lived/sse-express.mjs'),
    part('examples/long-lived/sse-fastify.mjs'),
    part('examples/long-lived/long-poll.mjs'),
    part('examples/long-lived/long-poll.mjs'),
    part('examples/long-lived/slow-answer.mjs'),
    sketch,
    part('examples/long-lived/ws-http.mjs'),
    part('examples/long-lived/socket-io.mjs'),
  ],
  'docs/migration/server-close.md': [sketch, all('examples/migration/server-close.mjs')],
  'docs/migration/http-terminator.md': [sketch, all('examples/migration/http-terminator.mjs')],
  'docs/migration/terminus.md': [sketch, all('examples/migration/terminus.mjs')],
  'docs/migration/stoppable.md': [sketch, all('examples/migration/stoppable.mjs')],
  'docs/migration/lightship.md': [sketch, all('examples/migration/lightship.mjs')],
  'docs/migration/close-with-grace.md': [sketch, all('examples/migration/close-with-grace.mjs')],
  'docs/migration/fastify-graceful-shutdown.md': [sketch, all('examples/migration/fastify-graceful-shutdown.mjs')],
  'docs/migration/apollo.md': [sketch, all('examples/migration/apollo.mjs')],
  'docs/migration/nestjs.md': [sketch],
  'docs/migration/nextjs.md': [sketch],
  'docs/proxies.md': [sketch, sketch],
  'docs/who-is-open.md': [sketch, sketch, sketch],
  'docs/recipes/aws-ecs.md': [
    all('examples/aws-ecs/task-definition.json'),
    all('examples/aws-ecs/load-balancer.yaml'),
    all('examples/aws-ecs/server.mjs'),
  ],
  'docs/recipes/cluster.md': [all('examples/cluster/primary.mjs'), all('examples/cluster/server.mjs')],
  'docs/recipes/haproxy.md': [part('examples/haproxy/server.mjs')],
  'docs/recipes/kubernetes.md': [all('examples/kubernetes/deployment.yaml'), all('examples/kubernetes/server.mjs'), sketch],
  'docs/troubleshooting.md': [sketch, sketch],
  'docs/recipes/nestjs.md': [all('examples/nestjs/express.mjs'), all('examples/nestjs/fastify.mjs')],
  'docs/recipes/nextjs.md': [all('examples/nextjs/server.mjs')],
  'docs/recipes/nginx.md': [part('examples/nginx/server.mjs')],
  'docs/recipes/pm2.md': [all('examples/pm2/ecosystem.config.cjs'), all('examples/pm2/server.mjs')],
  'docs/recipes/reuseport.md': [all('examples/reuseport/server.mjs')],
  'docs/recipes/systemd.md': [part('examples/systemd/server.mjs'), sketch],
  'docs/recipes/under-pressure.md': [all('examples/under-pressure/server.mjs')],
}

const markdown = [
  '.',
  'docs',
  'docs/migration',
  'docs/recipes',
  ...readdirSync(path.join(root, 'packages')).map((name) => `packages/${name}`),
]
  .flatMap((folder) => readdirSync(path.join(root, folder)).map((name) => path.join(folder, name)))
  .filter((name) => name.endsWith('.md'))

/** The text of each block of code, without its fences. */
function snippetsOf(text: string): string[] {
  return [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)]
    .filter(([, language = '']) => language !== '' && language !== 'sh')
    .map(([, , code = '']) => code)
}

/** Whether the lines stand in the file one after another, all of them indented by as much more. */
function stands(snippet: string, file: string): boolean {
  const lines = snippet.trimEnd().split('\n')
  const theirs = file.split('\n')
  return theirs.some((line, from) => {
    const indent = ' '.repeat(Math.max(0, line.length - (lines[0]?.length ?? 0)))
    return lines.every((mine, index) => theirs[from + index] === (mine === '' ? '' : indent + mine))
  })
}

describe.each(markdown)('%s', (doc) => {
  const text = read(doc)
  const snippets = snippetsOf(text)
  const shown = docs[doc] ?? []

  it('says of every snippet which file it shows, or that it shows none', () => {
    expect(snippets).toHaveLength(shown.length)
  })

  for (const [index, one] of shown.entries()) {
    if (one === 'sketch') continue
    const { file, whole } = one
    it(`shows ${whole ? '' : 'some lines of '}${file} as ${whole ? 'it is' : 'they are'}, and links to it (snippet ${index + 1})`, () => {
      const snippet = snippets[index] ?? ''
      if (whole) expect(snippet).toBe(read(file))
      else if (!stands(snippet, read(file))) throw new Error(`${file} has no such lines:\n${snippet}`)
      expect(text).toContain(`](${path.relative(path.dirname(doc), file)})`)
    })
  }
})

it('every document that is named above is there', () => {
  expect(Object.keys(docs).filter((doc) => !markdown.includes(doc))).toEqual([])
})
