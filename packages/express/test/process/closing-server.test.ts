import { connect } from 'node:http2'
import path from 'node:path'
import { Program } from '../../../../examples/testing/child.js'
import { Client } from '../../../../test/support/client.js'
import { get } from '../../../../test/support/requests.js'
import { within } from '../../../../test/support/wait.js'

// One application of the process has `signals`, and another governed server, which has none, does not listen when the signal comes. The children use what
// was built: `npm run build` first.

const programs: Program[] = []

afterAll(() => {
  for (const program of programs) program.kill()
})

async function start(kind: string, how: string): Promise<{ program: Program; port: number; pid: number }> {
  const program = new Program(process.execPath, [path.join(__dirname, 'closing-server.mjs'), kind, how], {
    NODE_ENV: 'production',
  })
  programs.push(program)
  const [, port, pid] = await within(program.line(/^listening (\d+) (\d+)/), () => 'it listens', 20_000)
  return { program, port: Number(port), pid: Number(pid) }
}

/** Asks for `/held`, and resolves to its body. */
async function ask(kind: string, port: number): Promise<string> {
  if (kind.startsWith('http2')) {
    const session = connect(`http${kind === 'http2s' ? 's' : ''}://127.0.0.1:${port}`, { rejectUnauthorized: false })
    session.on('error', () => {})
    const stream = session.request({ ':path': '/held' })
    let text = ''
    try {
      for await (const piece of stream) text += piece
    } finally {
      session.close()
    }
    return text
  }
  const client = await Client.open({ port, tls: kind === 'https' })
  void client.send(get('/held'))
  const { text } = await client.next()
  client.destroy()
  return text
}

const CLOSING = ['http', 'https', 'http2', 'http2s', 'fastify'].flatMap((kind) => [
  [kind, 'close'] as const,
  [kind, 'drain'] as const,
])

it.concurrent.each([...CLOSING, ['http', 'clustered'], ['http2', 'clustered'], ['http', 'again']] as const)(
  'the request of a governed %s server (%s) is answered before the process ends',
  async (kind, how) => {
    const { program, port, pid } = await start(kind, how)
    const answer = ask(kind, port)
    answer.catch(() => {})
    await within(program.line(/^arrived/), () => 'the request arrives', 20_000)
    process.kill(pid, 'SIGTERM')
    expect(await within(answer, () => `the answer; it said\n${program.lines.join('\n')}`, 20_000)).toBe('held')
    expect(await within(program.exit, () => 'its end', 20_000)).toEqual({ code: 0, signal: null })
    if (how === 'clustered') expect(program.lines).toContain('worker ended 0')
  },
)
