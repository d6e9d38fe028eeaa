#!/usr/bin/env node
import { main } from './main.js'

const abort = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    abort.abort()
    process.exit(2)
  })
}
process.exitCode = await main(process.argv.slice(2), abort.signal)
