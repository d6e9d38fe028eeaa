import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { attach } from '@halfclose/core'
import { describeWith, find } from '../../test/clients/client.js'
import { until } from '../../test/support/wait.js'
import { Example, Program } from '../testing/child.js'
import { acceptQueue, freePort } from '../testing/ports.js'
import { RawClient } from '../testing/raw-client.js'
import { post, Visitors } from '../testing/visitors.js'

const GET = 'GET / HTTP/1.1\r\nHost: example\r\n\r\n'
const bare = path.join(__dirname, '../testing/bare')

/** In the place of systemd: holds the socket, starts the service, and starts it anew when it has ended. */
const MANAGER = `
  while :; do
    setpriv --pdeathsig KILL sh -c 'echo "main process $$"; LISTEN_PID=$$ exec "$0" "$1"' "$0" "$1"
    echo "ended with $?"
  done`

describeWith(
  find('systemd-socket-activate'),
  'examples/systemd: the socket',
  'no systemd-socket-activate on this machine',
  (activate) => {
    let port: number
    let programs: Program[]
    let clients: RawClient[]
    let visitors: Visitors | undefined
    beforeEach(async () => {
      port = await freePort()
      programs = []
      clients = []
    })
    afterEach(async () => {
      for (const client of clients) client.destroy()
      for (const program of programs) program.kill()
      await Promise.all([...programs.map(({ exit }) => exit), visitors?.stop()])
    })

    async function connect(): Promise<RawClient> {
      const client = await RawClient.connect(port)
      clients.push(client)
      return client
    }

    async function onSocket(directory: string): Promise<Program> {
      const options = ['-l', `127.0.0.1:${port}`, '-E', 'NODE_ENV=production']
      const command = ['sh', '-c', MANAGER, process.execPath, path.join(directory, 'server.mjs')]
      const manager = new Program('setpriv', ['--pdeathsig', 'KILL', activate, ...options, ...command])
      programs.push(manager)
      await manager.line(/Listening on/)
      return manager
    }

    async function mainProcess(manager: Program): Promise<number> {
      return Number((await manager.line(/main process (\d+)/))[1])
    }

    it('SIGTERM amid an upload: no connection is refused, all is answered, exit code 0, and a new process takes over', async () => {
      const manager = await onSocket(__dirname)
      visitors = new Visitors(port, 4)
      await visitors.more(20)
      const promised = await connect()
      expect((await promised.request(GET)).headers.get('keep-alive')).toBe('timeout=5')
      const upload = await connect()
      const request = post('/echo?half', '{"half":"close"}')
      upload.write(request.slice(0, -5))
      await manager.line(/\?half$/)

      process.kill(await mainProcess(manager), 'SIGTERM')
      await until('nobody accepts', () => acceptQueue(port) === 4, 12_000)
      const newcomer = await connect()
      newcomer.write(GET)
      for (const client of [promised, upload]) {
        const last = await client.request(client === upload ? request.slice(-5) : GET)
        expect(last).toMatchObject({ status: 200, body: client === upload ? '{"half":"close"}' : '{"hello":"world"}' })
        expect(last.headers.get('connection')).toBe('close')
        expect(await client.ended()).toEqual(['data', 'end', 'close'])
      }
      await manager.line(/ended with 0/)

      expect(await newcomer.response()).toMatchObject({ status: 200, body: '{"hello":"world"}' })
      await visitors.more(50)
      await visitors.stop()
      expect(visitors.lost).toEqual([])
    }, 20_000)

    it('the same server without the socket: connections are refused once it has stopped listening', async () => {
      const server = new Example(__dirname, { HOST: '127.0.0.1', PORT: String(port) })
      programs.push(server)
      await server.line(/listening/)
      visitors = new Visitors(port, 4)
      await visitors.more(20)
      server.terminate()
      await server.exit
      await visitors.more(10)
      expect(visitors.lost[0]).toMatch('ECONNREFUSED')
    }, 20_000)

    it('a bare Express server on the same socket closes on the client that was promised 5 s', async () => {
      const manager = await onSocket(bare)
      const promised = await connect()
      expect((await promised.request(GET)).headers.get('keep-alive')).toBe('timeout=5')
      process.kill(await mainProcess(manager), 'SIGTERM')
      await manager.line(/stopped listening/)
      await expect(promised.request(GET)).rejects.toThrow(/no whole response/)
    }, 20_000)
  },
)

describe('examples/systemd: the units', () => {
  const files = ['app.service', 'app.socket'] as const
  const read = (name: (typeof files)[number]) => readFileSync(path.join(__dirname, name), 'utf8')
  const directives = (name: (typeof files)[number]) =>
    new Map(Array.from(read(name).matchAll(/^(\w+)=(.*)$/gm), ([, key = '', value = '']) => [key, value]))

  it('SIGTERM goes to Node alone, and SIGKILL comes when the longest drain of this very server is over, with 5 s to spare', async () => {
    const server = new Example(__dirname, {})
    try {
      const [, deadline] = await server.line(/halfclose: listening .* at most (\d+) s in all/)
      const { quiet } = attach(createServer()).policy.linger
      const service = directives('app.service')
      expect(Number(service.get('TimeoutStopSec')) * 1_000).toBeGreaterThanOrEqual(Number(deadline) * 1_000 + quiet + 5_000)
      expect(service.get('KillSignal')).toBe('SIGTERM')
      expect(service.get('KillMode')).toBe('mixed')
    } finally {
      server.kill()
      await server.exit
    }
  })

  it('systemd starts Node itself, as the process that LISTEN_PID names, and keeps what waits in the socket', () => {
    expect(directives('app.service').get('ExecStart')).toMatch(/^\/usr\/bin\/node \S+server\.mjs$/)
    const socket = directives('app.socket')
    expect([socket.get('Accept') ?? 'no', socket.get('FlushPending') ?? 'no']).toEqual(['no', 'no'])
  })

  describeWith(find('systemd-analyze'), 'systemd-analyze', 'no systemd-analyze on this machine', (program) => {
    it('verify has nothing to say', () => {
      const folder = mkdtempSync(path.join(tmpdir(), 'halfclose-units-'))
      try {
        for (const name of files) writeFileSync(path.join(folder, name), read(name).replace('/usr/bin/node', process.execPath))
        const units = files.map((name) => path.join(folder, name))
        const { status, stderr } = spawnSync(program, ['verify', ...units], { encoding: 'utf8' })
        // Of the machine's own units it may say what it likes.
        expect(stderr.split('\n').filter((line) => /\bapp\./.test(line))).toEqual([])
        expect(status).toBe(0)
      } finally {
        rmSync(folder, { recursive: true })
      }
    })
  })
})
