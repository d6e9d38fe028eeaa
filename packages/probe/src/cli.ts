#!/usr/bin/env node
import { main } from './main.js'

const abort = new AbortController()
// However the probe ends: the process that it has started ends as well.
process.on('exit', () => abort.abort())
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    process.stderr.write(`${process.stderr.isTTY ? '\r\u001b[K' : ''}halfclose-probe: ended by ${signal}\n`)
    process.exit(2)
  })
}
// A reader that has seen enough, like head, does not change what was found.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
process.exitCode = await main(process.argv.slice(2), abort.signal)
