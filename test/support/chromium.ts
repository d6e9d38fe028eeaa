import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pass, within } from './wait.js'

/** A browser needs long for its start on a busy machine. */
const PATIENCE = 40_000

interface Answer {
  readonly id?: number
  readonly result?: Record<string, unknown>
  readonly error?: { readonly message: string }
  readonly method?: string
  readonly params?: unknown
}

/** The screen of a page. */
export interface Screen {
  width?: number
  height?: number
  dark?: boolean
}

/** Headless Chromium, controlled over two pipes (DevTools protocol): it can be asked what its pages show, even while they follow an event stream. */
export class Chromium {
  readonly #profile = mkdtempSync(join(tmpdir(), 'halfclose-chromium-'))
  readonly #process: ChildProcess
  readonly #waiting = new Map<number, (answer: Answer) => void>()
  readonly #ended: Promise<never>
  /** What the pages have logged, and their errors. */
  readonly said: string[] = []
  #lastId = 0
  #rest = ''

  private constructor(program: string) {
    const options = [
      '--headless=new',
      '--no-sandbox',
      '--disable-gpu',
      '--no-first-run',
      '--remote-debugging-pipe',
      '--hide-scrollbars',
    ]
    const quiet = ['--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage']
    this.#process = spawn(program, [...options, ...quiet, `--user-data-dir=${this.#profile}`, 'about:blank'], {
      stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
      detached: true,
    })
    const errors = text(this.#process.stderr as Readable)
    this.#ended = once(this.#process, 'exit').then(async ([code]): Promise<never> => {
      throw new Error(`Chromium exited with ${code}: ${(await errors).slice(-2_000)}`)
    })
    this.#ended.catch(() => {})
    const input = this.#process.stdio[4] as Readable
    input.setEncoding('utf8').on('data', (chunk: string) => this.#take(chunk))
    this.#output.on('error', () => {})
  }

  static async start(program: string): Promise<Chromium> {
    const chromium = new Chromium(program)
    await chromium.call('Browser.getVersion')
    return chromium
  }

  get #output(): Writable {
    return this.#process.stdio[3] as Writable
  }

  async open(url: string, { width = 1_200, height = 800, dark = false }: Screen = {}): Promise<Page> {
    const { targetId } = await this.call('Target.createTarget', { url: 'about:blank' })
    const { sessionId } = await this.call('Target.attachToTarget', { targetId, flatten: true })
    const page = new Page(this, String(sessionId))
    await page.call('Runtime.enable')
    await page.call('Log.enable')
    await page.call('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: false })
    const features = [{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }]
    await page.call('Emulation.setEmulatedMedia', { features })
    await page.call('Page.navigate', { url })
    await page.until('document.readyState === "complete"')
    return page
  }

  async call(method: string, params: object = {}, sessionId?: string): Promise<Record<string, unknown>> {
    const id = ++this.#lastId
    const answered = new Promise<Answer>((resolve) => this.#waiting.set(id, resolve))
    this.#output.write(`${JSON.stringify({ id, method, params, sessionId })}\0`)
    const { result, error } = await within(Promise.race([answered, this.#ended]), () => `${method} in Chromium`, PATIENCE)
    if (error !== undefined) throw new Error(`${method}: ${error.message}`)
    return result ?? {}
  }

  /** Ends only this browser and its children: it leads a process group of its own. */
  async stop(): Promise<void> {
    const { pid, exitCode, signalCode } = this.#process
    if (pid !== undefined && exitCode === null && signalCode === null) {
      const exit = once(this.#process, 'exit')
      process.kill(-pid, 'SIGKILL')
      await exit
    }
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 5 })
  }

  #take(chunk: string): void {
    const messages = (this.#rest + chunk).split('\0')
    this.#rest = messages.pop() ?? ''
    for (const message of messages) {
      const answer: Answer = JSON.parse(message)
      if (answer.id !== undefined) this.#waiting.get(answer.id)?.(answer)
      else if (/^(Runtime\.(exceptionThrown|consoleAPICalled)|Log\.entryAdded)$/.test(answer.method ?? '')) {
        const said = JSON.stringify(answer.params)
        // Not an error of the page: the test has closed the server.
        if (!said.includes('"source":"network"')) this.said.push(said)
      }
    }
  }
}

/** One tab. */
export class Page {
  readonly #chromium: Chromium
  readonly #session: string

  constructor(chromium: Chromium, session: string) {
    this.#chromium = chromium
    this.#session = session
  }

  call(method: string, params: object = {}): Promise<Record<string, unknown>> {
    return this.#chromium.call(method, params, this.#session)
  }

  /** The value of an expression in the page. */
  async evaluate(expression: string): Promise<unknown> {
    const { result, exceptionDetails } = await this.call('Runtime.evaluate', {
      expression,
      returnByValue: true,
      awaitPromise: true,
    })
    if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails))
    return (result as { value?: unknown }).value
  }

  async until(expression: string): Promise<void> {
    const looks = async () => {
      while ((await this.evaluate(expression)) !== true) await pass(100)
    }
    await within(looks(), () => `${expression} in the page`, PATIENCE)
  }

  async press(key: string): Promise<void> {
    for (const type of ['keyDown', 'keyUp']) await this.call('Input.dispatchKeyEvent', { type, key, code: key })
  }

  async close(): Promise<void> {
    await this.call('Page.close')
  }

  /** A picture of the page, as PNG. */
  async screenshot(): Promise<Buffer> {
    const { data } = await this.call('Page.captureScreenshot', { format: 'png' })
    return Buffer.from(String(data), 'base64')
  }
}
