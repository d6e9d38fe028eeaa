/** Live progress: one updating line on a terminal, a line every few seconds elsewhere. */
import { lostIn } from './tally.mjs'

export class Progress {
  #began = performance.now()
  #title
  #columns
  /** @type {NodeJS.Timeout | undefined} */
  #timer

  /** @param {string} title @param {readonly import('./column.mjs').Column[]} columns */
  constructor(title, columns) {
    this.#title = title
    this.#columns = columns
  }

  start() {
    this.#print()
    this.#timer = setInterval(() => this.#print(), process.stdout.isTTY ? 250 : 10_000)
  }

  stop() {
    clearInterval(this.#timer)
    if (this.#timer && process.stdout.isTTY) process.stdout.write('\r\x1b[K')
  }

  #print() {
    const seconds = ((performance.now() - this.#began) / 1_000).toFixed(0).padStart(3)
    const states = this.#columns.map(
      ({ policy, listener, tally, restarts, mode }) =>
        `${policy}${listener === 'shared' ? ' shared' : ''} ${tally.sent} sent, ${lostIn(tally)} lost, ${restarts.length}/${mode.restarts}`,
    )
    const line = `${seconds} s  ${this.#title}: ${states.join(' | ')} restarted`
    if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K${line.slice(0, (process.stdout.columns ?? 80) - 1)}`)
    else process.stdout.write(`${line}\n`)
  }
}
