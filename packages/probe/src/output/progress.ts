import type { Progress } from '../engine/run.js'
import { SIGNS } from './words.js'

interface Terminal {
  isTTY?: boolean
  columns?: number
  write(text: string): unknown
}

/** What is shown until the first check begins. */
const FIRST = 'first requests'

/** Prints a line for each check that ends; on a terminal also one with the checks under way, and their times. */
export function progressOn(terminal: Terminal): { progress: Progress; end: () => void } {
  const running = new Map([[FIRST, performance.now()]])
  const status = () => {
    if (!terminal.isTTY) return
    const list = [...running].map(([id, began]) => `${id} ${Math.round((performance.now() - began) / 1_000)} s`).join(', ')
    terminal.write(`\r\u001b[K${list.slice(0, (terminal.columns ?? 80) - 1)}`)
  }
  const timer = setInterval(status, 500)
  timer.unref()
  return {
    progress: (id, result) => {
      running.delete(FIRST)
      if (result === undefined) running.set(id, performance.now())
      else {
        running.delete(id)
        terminal.write(
          `${terminal.isTTY ? '\r\u001b[K' : ''}${SIGNS[result.outcome]} ${id}: ${result.outcome}, ${result.detail}\n`,
        )
      }
      status()
    },
    end: () => {
      clearInterval(timer)
      if (terminal.isTTY) terminal.write('\r\u001b[K')
    },
  }
}
