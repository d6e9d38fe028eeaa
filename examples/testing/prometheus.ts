import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { until, within } from '../../test/support/wait.js'
import { Program } from './child.js'
import { freePort } from './ports.js'

/** A Prometheus that scrapes services four times a second, in a folder of its own. */
export class Scraper {
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'halfclose-prometheus-'))
  readonly #program: Program

  private constructor(
    program: string,
    readonly port: number,
    ports: readonly number[],
  ) {
    const targets = ports.map((one) => `'127.0.0.1:${one}'`).join(', ')
    const config = `global:\n  scrape_interval: 250ms\nscrape_configs:\n  - job_name: hello\n    static_configs:\n      - targets: [${targets}]\n`
    writeFileSync(path.join(this.#folder, 'prometheus.yml'), config)
    this.#program = new Program(program, [
      `--config.file=${path.join(this.#folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${path.join(this.#folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ])
  }

  static async start(program: string, ports: readonly number[]): Promise<Scraper> {
    const scraper = new Scraper(program, await freePort(), ports)
    await within(scraper.#program.line(/Server is ready/), () => 'prometheus', 30_000).catch((error: unknown) => {
      scraper.kill()
      throw error
    })
    return scraper
  }

  kill(): void {
    this.#program.kill()
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 })
  }

  /** How many series a query finds. Throws what Prometheus says of a query that it cannot run. */
  async finds(query: string): Promise<number> {
    return (await this.#ask(query)).length
  }

  /** The first value that a query finds; `undefined`: there is nothing yet. */
  async value(query: string): Promise<number | undefined> {
    const value = (await this.#ask(query))[0]?.value?.[1]
    return value === undefined ? undefined : Number(value)
  }

  async #ask(query: string): Promise<readonly { value?: [number, string] }[]> {
    const answer = await fetch(`http://127.0.0.1:${this.port}/api/v1/query?query=${encodeURIComponent(query)}`)
    const { data, error }: { data?: { result?: { value?: [number, string] }[] }; error?: string } = JSON.parse(
      await answer.text(),
    )
    if (error !== undefined) throw new Error(`${query}: ${error}`)
    return data?.result ?? []
  }

  async reaches(query: string, expected: number): Promise<void> {
    let last: number | undefined
    await until(`${query} to be ${expected}`, async () => {
      last = await this.value(query)
      return last === expected
    }).catch(() => expect({ query, value: last }).toEqual({ query, value: expected }))
  }
}
