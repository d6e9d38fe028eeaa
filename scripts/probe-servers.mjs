// Real servers, probed: `npm run probe:servers`, or `-- nginx caddy` for some; `-- --install` installs what is missing from Debian's packages (as root).
// Writes docs/probe/results/NAME.json for each that could be started, NAME-tls.json where it can speak TLS too, and docs/probe/index.html.
import { execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { ORDER } from './probe-page.mjs'
import { build, install, node, root } from './steps.mjs'

const folder = join(root, 'packages/probe/servers')
const results = join(root, 'docs/probe/results')
const certificate = join(root, 'test/support/cert')
/** They mostly wait: so many at once. */
const AT_ONCE = 6
const DEADLINE = 15_000
/** Node looks every 30 s for requests that are older than 60 s. */
const PATIENCE = '95000'
const PATHS = { path: '/', slow: '/slow?ms=1000', stream: '/stream' }

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { install: { type: 'boolean' }, page: { type: 'boolean' }, patience: { type: 'string', default: PATIENCE } },
})

/** How a server starts and stops: its file. */
const describe = async (name) => (await import(pathToFileURL(join(folder, name, 'start.mjs')))).default

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

/** What a Node server consists of besides Node, with versions. */
const modulesOf = ({ modules = [] }) =>
  modules.map((name) => `${name} ${JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8')).version}`)

/** Where the program of a server is; undefined: it is not installed. */
function programOf({ program, package: debian }) {
  if (program === 'node') return process.execPath
  if (values.install && debian !== undefined && there(program) === undefined) {
    execFileSync('apt-get', ['-qq', 'install', '-y', '--no-install-recommends', debian], { stdio: 'ignore' })
  }
  return there(program)
}

/** What is put in for the @WORDS@ of a configuration and of a command line. */
async function wordsOf(name, tmp) {
  const [port, backendPort] = [await freePort(), await freePort()]
  const words = { PORT: port, BACKEND: backendPort, TMP: tmp, WWW: tmp, FOLDER: join(folder, name) }
  for (const [word, file] of Object.entries({ CERT: 'cert.pem', KEY: 'key.pem' })) {
    words[word] = join(tmp, file)
    copyFileSync(join(certificate, file), words[word])
  }
  // HAProxy wants both in one file.
  words.PEM = join(tmp, 'both.pem')
  writeFileSync(words.PEM, readFileSync(words.CERT, 'utf8') + readFileSync(words.KEY, 'utf8'))
  return words
}

/** The application behind servers that run none. Resolves when it listens. */
async function startBackend(port) {
  const backend = spawn(process.execPath, [join(folder, 'backend/server.mjs'), String(port)], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const end = () => backend.kill()
  process.once('exit', end)
  await once(backend.stdout, 'data')
  return () => {
    process.off('exit', end)
    end()
  }
}

/** Writes the server's configuration, builds it, and says by which command it starts. */
async function commandOf(name, server, program, words) {
  const fill = (text) => text.replace(/@(\w+)@/g, (all, word) => words[word] ?? all)
  if (server.config) {
    words.CONFIG = join(words.TMP, server.config)
    writeFileSync(words.CONFIG, fill(readFileSync(join(folder, name, server.config), 'utf8')))
  }
  if (server.build) await promisify(execFile)(program, server.build.map(fill))
  const env = Object.entries({ NODE_ENV: 'production', ...server.env }).map(([key, value]) => `${key}=${fill(value)}`)
  return [...env, fill(server.built ?? program), ...server.run.map((word) => `'${fill(word)}'`)].join(' ')
}

/** The report of one server, over TLS if `secure`; undefined where it cannot be had. */
async function probed(name, secure, probe) {
  const described = await describe(name)
  const server = secure ? { ...described, ...described.tls } : described
  const program = programOf(server)
  if (program === undefined)
    return void console.log(`${name}: skipped, ${server.program} is not installed (Debian: ${server.package})`)
  const tmp = mkdtempSync(join(tmpdir(), `halfclose-${name}-`))
  // Some servers give up root before they read.
  execFileSync('chmod', ['777', tmp])
  writeFileSync(join(tmp, 'index.html'), 'hello\n'.repeat(100))
  const words = await wordsOf(name, tmp)
  const endBackend = await startBackend(words.BACKEND)
  try {
    const run = await commandOf(name, server, program, words)
    const { path, slow, stream } = { ...PATHS, ...server }
    const url = `${secure ? 'https' : 'http'}://127.0.0.1:${words.PORT}${path}`
    const times = { patience: Number(values.patience), deadline: DEADLINE }
    const report = await probe({ url, run, slow, stream, stop: server.stop, ...times, floods: true, abort: abort.signal })
    return {
      name,
      title: server.title,
      version: await versionOf(server, program),
      modules: modulesOf(server),
      stop: server.stop,
      ...report,
    }
  } catch (error) {
    console.log(`${name}: skipped, ${error.message}`)
    return undefined
  } finally {
    endBackend()
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
const { probe } = await import('../packages/probe/dist/index.mjs')
const fileOf = (name, secure) => `${name}${secure ? '-tls' : ''}.json`
if (!values.page) {
  const names = positionals.length > 0 ? positionals : ORDER
  const runs = []
  for (const name of names) {
    runs.push({ name, secure: false })
    if ((await describe(name)).tls !== undefined) runs.push({ name, secure: true })
  }
  const next = runs.values()
  const lane = async () => {
    for (const { name, secure } of next) {
      const report = await probed(name, secure, probe)
      if (report === undefined) continue
      writeFileSync(join(results, fileOf(name, secure)), `${JSON.stringify(shorten(report))}\n`)
      const told = report.scores.map(({ tier, kept, applicable }) => `${tier} ${kept}/${applicable}`).join(', ')
      console.log(`${name}${secure ? ' over TLS' : ''} ${report.version}: ${told} (${Math.round(report.ms / 1_000)} s)`)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, lane))
}
await node(['scripts/probe-page.mjs', 'write'])
