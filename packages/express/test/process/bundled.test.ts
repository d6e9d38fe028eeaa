import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Program } from '../../../../examples/testing/child.js'
import { Client } from '../../../../test/support/client.js'
import { get } from '../../../../test/support/requests.js'
import { within } from '../../../../test/support/wait.js'

// An application that is published as one file. It uses what was built: `npm run build` first.

const ESBUILD = path.join(__dirname, '../../../../node_modules/esbuild/bin/esbuild')

let folder: string
let program: Program | undefined

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'halfclose-bundled-'))
})

afterEach(() => {
  program?.kill()
  rmSync(folder, { recursive: true, force: true })
})

it.each(['--keep-names', '--minify --keep-names', '--minify'])(
  'esbuild %s: a signal reaches the application in a worker thread, which answers its request',
  async (options) => {
    const file = path.join(folder, 'service.cjs')
    const args = [path.join(__dirname, 'bundled.cjs'), '--bundle', '--platform=node', `--outfile=${file}`, ...options.split(' ')]
    const made = spawnSync(process.execPath, [ESBUILD, ...args], { encoding: 'utf8' })
    expect(made).toMatchObject({ status: 0 })
    const service = new Program(process.execPath, [file], { NODE_ENV: 'production' })
    program = service
    const said = (what: string) => (): string => `${what}; it said\n${service.lines.join('\n')}`
    const [, port] = await within(service.line(/^listening (\d+)/), said('it listens'), 20_000)
    const client = await Client.open({ port: Number(port) })
    void client.send(get('/held'))
    await within(service.line(/^arrived/), said('the request arrives'), 20_000)
    service.terminate()
    expect(await within(client.next(), said('the answer'), 20_000)).toMatchObject({ text: 'held', closes: true })
    expect(await within(service.exit, said('its end'), 20_000)).toEqual({ code: 0, signal: null })
    client.destroy()
  },
)
