// How far the matrix is: one line that changes on a terminal, a line for each host that is done elsewhere.

export class Progress {
  #began = performance.now()
  /** @type {Map<string, { done: number, all: number }>} */
  #runs = new Map()
  #timer
  #files = { done: 0, all: 0 }

  /** @param {string} name @param {number} cases about so many @param {number} files */
  add(name, cases, files) {
    this.#runs.set(name, { done: 0, all: cases })
    this.#files.all += files
  }

  start() {
    if (process.stdout.isTTY) this.#timer = setInterval(() => this.#draw(), 500)
  }

  stop() {
    clearInterval(this.#timer)
    this.#clear()
  }

  /** @param {string} name @param {number} cases that have ended */
  count(name, cases) {
    const run = this.#runs.get(name)
    if (run !== undefined) run.done += cases
  }

  /** @param {string} name @param {string} host that is done @param {{ letter: string }[]} found on it */
  host(name, host, found) {
    this.#files.done++
    if (found.length === 0) return
    const failed = found.filter(({ letter }) => letter === 'f').length
    const what = name.endsWith('bare') ? `${found.length} played` : `${found.length - failed} passed, ${failed} failed`
    this.say(
      `${this.#time()}  ${name.padEnd(20)} ${host.padEnd(16)} ${what}  (${this.#files.done} of ${this.#files.all} files${this.#left()})`,
    )
  }

  /** A line that stays. @param {string} line */
  say(line) {
    this.#clear()
    console.log(line)
  }

  #time() {
    return `${((performance.now() - this.#began) / 1_000).toFixed(0).padStart(4)} s`
  }

  #left() {
    const runs = [...this.#runs.values()]
    const [done, all] = [
      runs.reduce((sum, run) => sum + Math.min(run.done, run.all), 0),
      runs.reduce((sum, run) => sum + run.all, 0),
    ]
    if (done < all / 20) return ''
    const seconds = ((performance.now() - this.#began) / 1_000 / done) * (all - done)
    return `, about ${seconds > 90 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds)} s`} left`
  }

  #draw() {
    const runs = [...this.#runs].map(([name, { done, all }]) => `${name}: ${done}${all > 0 ? ` of ${Math.max(done, all)}` : ''}`)
    this.#clear()
    process.stdout.write(`${this.#time()}  ${runs.join(' · ')}${this.#left()}`.slice(0, (process.stdout.columns ?? 80) - 1))
  }

  #clear() {
    if (process.stdout.isTTY) process.stdout.write('\r\x1b[K')
  }
}
