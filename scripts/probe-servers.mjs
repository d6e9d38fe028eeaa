// Real servers, probed: `npm run probe:servers`, or `-- nginx caddy` for some; `-- --install` installs what is missing from Debian's packages (as root).
// Writes docs/probe/results/NAME.json for each that could be started, and docs/probe/index.html.
import { execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { page } from './probe-page.mjs'
import { build, install, root } from './steps.mjs'

const folder = join(root, 'packages/probe/servers')
const results = join(root, 'docs/probe/results')
/** They mostly wait: so many at once. */
const AT_ONCE = 6
const DEADLINE = 15_000
const PATHS = { path: '/', slow: '/slow?ms=1000', stream: '/stream' }

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { install: { type: 'boolean' }, page: { type: 'boolean' }, patience: { type: 'string' } },
})

/** The same order in the table. */
const ORDER =
  'nginx apache haproxy caddy lighttpd h2o gunicorn uvicorn puma tomcat go node-http node-express node-fastify node-hono halfclose-http halfclose-express halfclose-fastify'.split(
    ' ',
  )

async function freePort() {
  const listener = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => listener.once('listening', resolve))
  const { port } = listener.address()
  await new Promise((resolve) => listener.close(resolve))
  return port
}

const there = (program) => {
  try {
    return execFileSync('sh', ['-c', `command -v ${program}`], { env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` } })
      .toString()
      .trim()
  } catch {
    return undefined
  }
}

async function versionOf({ version }, program) {
  const { stdout, stderr } = await promisify(execFile)(program, version).catch((error) => error)
  return /\d+(\.\d+)+/.exec(/Server (?:version|number):[^\n]*/.exec(stdout)?.[0] ?? `${stdout}${stderr}`)?.[0] ?? ''
}

/** The report of one server; undefined where it cannot be had. */
async function probed(name, probe) {
  const { default: server } = await import(pathToFileURL(join(folder, name, 'start.mjs')))
  if (values.install && server.package !== undefined && there(server.program) === undefined) {
    execFileSync('apt-get', ['-qq', 'install', '-y', '--no-install-recommends', server.package], { stdio: 'ignore' })
  }
  const program = server.program === 'node' ? process.execPath : there(server.program)
  if (program === undefined)
    return void console.log(`${name}: skipped, ${server.program} is not installed (Debian: ${server.package})`)
  const tmp = mkdtempSync(join(tmpdir(), `halfclose-${name}-`))
  execFileSync('chmod', ['777', tmp])
  writeFileSync(join(tmp, 'index.html'), 'hello\n'.repeat(100))
  const [port, backendPort] = [await freePort(), await freePort()]
  const words = {
    PORT: port,
    BACKEND: backendPort,
    TMP: tmp,
    WWW: tmp,
    FOLDER: join(folder, name),
    CONFIG: join(tmp, server.config ?? ''),
  }
  const fill = (text) => text.replace(/@(\w+)@/g, (all, word) => words[word] ?? all)
  if (server.config) writeFileSync(words.CONFIG, fill(readFileSync(join(folder, name, server.config), 'utf8')))
  if (server.build) await promisify(execFile)(program, server.build.map(fill))
  const env = Object.entries({ NODE_ENV: 'production', ...server.env }).map(([key, value]) => `${key}=${fill(value)}`)
  const run = [...env, fill(server.built ?? program), ...server.run.map((word) => `'${fill(word)}'`)].join(' ')
  const end = () => backend.kill()
  process.once('exit', end)
  const backend = spawn(process.execPath, [join(folder, 'backend/server.mjs'), String(backendPort)], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  await once(backend.stdout, 'data')
  try {
    const { path, slow, stream } = { ...PATHS, ...server }
    const url = `http://127.0.0.1:${port}${path}`
    const options = { url, run, slow, stream, stop: server.stop, deadline: DEADLINE, floods: true, abort: abort.signal }
    const report = await probe({ ...options, ...(values.patience && { patience: Number(values.patience) }) })
    return { name, title: server.title, version: await versionOf(server, program), stop: server.stop, ...report }
  } catch (error) {
    console.log(`${name}: skipped, ${error.message}`)
    return undefined
  } finally {
    end()
    process.off('exit', end)
    rmSync(tmp, { recursive: true, force: true })
  }
}

/** What a page can show of a long transcript: its beginning and its end. */
function shorten(report) {
  const lines = (all) => (all.length > 16 ? [...all.slice(0, 8), { at: all[8].at, what: '…' }, ...all.slice(-7)] : all)
  const trial = ({ detail, connections }) => ({
    detail,
    connections: connections.slice(0, 2).map((one) => ({ lines: lines(one.lines) })),
  })
  const result = ({ id, outcome, detail, trials }) => ({ id, outcome, detail, trials: trials.slice(0, 1).map(trial) })
  return { ...report, results: report.results.map(result) }
}

// The servers that run end with this process.
const abort = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    abort.abort()
    process.exit(1)
  })
}
await install()
await build()
mkdirSync(results, { recursive: true })
const { probe, rules } = await import('../packages/probe/dist/index.mjs')
if (!values.page) {
  const names = positionals.length > 0 ? positionals : ORDER
  const next = names.values()
  const lane = async () => {
    for (const name of next) {
      const began = performance.now()
      const report = await probed(name, probe)
      if (report === undefined) continue
      writeFileSync(join(results, `${name}.json`), `${JSON.stringify(shorten(report))}\n`)
      const told = report.scores.map(({ tier, kept, applicable }) => `${tier} ${kept}/${applicable}`).join(', ')
      console.log(`${name} ${report.version}: ${told} (${Math.round((performance.now() - began) / 1_000)} s)`)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, lane))
}
const reports = ORDER.filter((name) => readdirSync(results).includes(`${name}.json`)).map((name) =>
  JSON.parse(readFileSync(join(results, `${name}.json`), 'utf8')),
)
writeFileSync(join(root, 'docs/probe/index.html'), page(rules, reports))
