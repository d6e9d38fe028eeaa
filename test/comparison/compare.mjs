// Plays the same cases against each package that stops HTTP servers, and says what came of it as a table: `write` puts it into README.md and
// docs/comparison.md, `check` tells whether it is there; without either it is printed. `npm run build` first.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { scenes } from './cases.mjs'
import { byNode, packages } from './packages.mjs'

const AT_ONCE = 6
/** Nothing takes that long: a process that has not ended by then never will. */
const LONG = 60_000

class Process {
  lines = []
  port = 0
  #child
  #waiting = []
  #exit

  static async start(name, deadline) {
    const started = new Process()
    const file = new URL('server.mjs', import.meta.url).pathname
    const child = spawn(process.execPath, [file, name, String(deadline)], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NODE_ENV: 'production' },
    })
    started.#child = child
    started.#exit = once(child, 'close').then(([code]) => code)
    for (const stream of [child.stdout, child.stderr]) createInterface(stream).on('line', (line) => started.#heard(line))
    const line = await started.said('listening')
    started.port = Number(line.split(' ')[1])
    return started
  }

  /** Resolves once the process has been told to stop, and has heard it. */
  async tell() {
    this.#child.kill('SIGTERM')
    await this.said('told')
  }

  async ended() {
    const code = await this.#exit
    return { code, ms: Number(this.lines.find((line) => line.startsWith('ended'))?.split(' ')[1]), lines: this.lines }
  }

  said(beginning) {
    const there = this.lines.find((line) => line.startsWith(beginning))
    if (there !== undefined) return Promise.resolve(there)
    return new Promise((resolve, reject) => {
      this.#waiting.push({ beginning, resolve })
      void this.#exit.then(() => reject(new Error(`it never said ${beginning}:\n${this.lines.join('\n')}`)))
    })
  }

  kill() {
    this.#child.kill('SIGKILL')
  }

  #heard(line) {
    this.lines.push(line)
    for (const { beginning, resolve } of this.#waiting) if (line.startsWith(beginning)) resolve(line)
  }
}

async function play(name, { play: playScene, deadline }) {
  const started = await Process.start(name, deadline)
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${name}: nothing within ${LONG} ms\n${started.lines.join('\n')}`)), LONG)
  })
  try {
    return await Promise.race([playScene(started), late])
  } finally {
    clearTimeout(timer)
    started.kill()
  }
}

const row = (cells) => `| ${cells.join(' | ')} |`

async function table() {
  const names = Object.keys(packages)
  const todo = scenes.flatMap((scene) => names.map((name) => ({ scene, name })))
  const marks = new Map(scenes.map((scene) => [scene, new Map()]))
  const work = async () => {
    for (let next = todo.shift(); next !== undefined; next = todo.shift())
      marks.get(next.scene).set(next.name, await play(next.name, next.scene))
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  const rows = scenes.flatMap((scene) =>
    scene.titles.map((title, index) =>
      row([title, ...names.map((name) => cell(scene, name, marks.get(scene).get(name)[index]))]),
    ),
  )
  return [row(['', ...names]), row(['---', ...names.map(() => ':-:')]), ...rows].join('\n')
}

/** What passes because Node does is told apart, so that the table is the same on every Node. */
function cell({ mendedIn }, name, passed) {
  const newer = Number(process.versions.node.split('.')[0]) >= mendedIn
  if (mendedIn !== undefined && byNode.has(name) && passed === newer) return `✗; Node ${mendedIn}: ✓`
  return passed ? '✓' : '✗'
}

const place = /(<!-- comparison:[^\n]*-->\n)[\s\S]*?(<!-- \/comparison -->)/
const readme = new URL('../../README.md', import.meta.url)
const mode = process.argv[2]
const played = await table()
if (mode === 'write' || mode === 'check') {
  const before = readFileSync(readme, 'utf8')
  if (!place.test(before)) throw new Error('README.md has no place for the comparison')
  const after = before.replace(place, (_, open, close) => `${open}\n${played}\n\n${close}`)
  if (mode === 'write') writeFileSync(readme, after)
  else if (after !== before) {
    console.error(`README.md differs from what the packages do: node test/comparison/compare.mjs write\n${played}`)
    process.exitCode = 1
  }
} else console.log(played)
