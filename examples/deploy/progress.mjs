/** Live progress: one updating line on a terminal, a line every few seconds elsewhere. */
import { lostIn } from './tally.mjs'

/** @typedef {import('./deploy.mjs').Deploy} Deploy */

export class Progress {
  #out
  #begun = performance.now()
  /** @type {NodeJS.Timeout | undefined} */
  #timer

  /** @param {NodeJS.WriteStream} out */
  constructor(out) {
    this.#out = out
  }

  /** @param {string} phase @param {Deploy[]} deploys */
  show(phase, deploys) {
    this.stop()
    const print = () => this.#print(phase, deploys)
    print()
    this.#timer = setInterval(print, this.#out.isTTY ? 200 : 3_000)
  }

  stop() {
    clearInterval(this.#timer)
    if (this.#timer && this.#out.isTTY) this.#out.write('\r\x1b[K')
    this.#timer = undefined
  }

  /** @param {string} phase @param {Deploy[]} deploys */
  #print(phase, deploys) {
    const elapsed = `${((performance.now() - this.#begun) / 1000).toFixed(0).padStart(3)} s`
    const line = `${elapsed}  ${phase}: ${deploys.map((deploy) => this.#state(deploy)).join(' | ')} restarted`
    if (this.#out.isTTY) this.#out.write(`\r\x1b[K${line.slice(0, (this.#out.columns ?? 80) - 1)}`)
    else this.#out.write(`${line}\n`)
  }

  /** @param {Deploy} deploy */
  #state({ policy, tally, restarts, planned }) {
    return `${policy} ${String(tally.sent).padStart(5)} sent, ${String(lostIn(tally)).padStart(3)} lost, ${restarts.length}/${planned}`
  }
}
