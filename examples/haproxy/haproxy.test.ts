import path from 'node:path'
import { describeWith } from '../../test/clients/client.js'
import { versionOf } from '../../test/deploy/install.mjs'
import { Deployment, type ProxyCommands } from '../testing/deployment.js'

const file = path.join(__dirname, 'haproxy.cfg')

/** HAProxy with the example's configuration, and the variables that it has for that. */
const haproxy: ProxyCommands = (_folder, { proxy, servers: [a, b] }) => {
  const env = ['env', `BIND=127.0.0.1:${proxy}`, `SERVER_A=127.0.0.1:${a}`, `SERVER_B=127.0.0.1:${b}`]
  return { check: [...env, 'haproxy', '-c', '-f', file], run: [...env, 'haproxy', '-db', '-f', file] }
}

describeWith(versionOf('haproxy'), 'examples/haproxy', 'no haproxy on this machine', () => {
  let deployment: Deployment | undefined
  afterEach(() => deployment?.end())

  it('SIGTERM amid an upload, and with connections not accepted yet: all is answered, exit code 0, the successor is used', async () => {
    deployment = await Deployment.start(__dirname, haproxy)
    const { which, finish } = await deployment.upload('/echo', '{"half":"close"}')
    const server = deployment.server(which)
    const answers = await deployment.terminateBusy(which)
    expect(answers).toEqual(answers.map((_, id) => `200 {"order":"${id}"}`))

    await deployment.stoppedListening(which)
    // It is out of the rotation by then: `fall` times `inter` is over before the delay is.
    expect(deployment.log).toMatch(/Server app\/. is DOWN/)
    expect(await finish()).toMatchObject({ status: 200, body: '{"half":"close"}' })
    expect(await server.exit).toEqual({ code: 0, signal: null })

    const successor = await deployment.replace(which)
    await successor.line(/^POST/)
    await deployment.visitors.more(50)
    await deployment.visitors.stop()
    expect(deployment.visitors.lost).toEqual([])
  }, 30_000)

  it('clients are promised what HAProxy keeps, and not what the servers promise to HAProxy', async () => {
    deployment = await Deployment.start(__dirname, haproxy)
    const client = await deployment.connect()
    const { headers } = await client.request('GET / HTTP/1.1\r\nHost: example\r\n\r\n')
    expect(headers.get('keep-alive')).toBe('timeout=60')
  })

  it('the same with a bare Express server that closes on SIGTERM: what it had not accepted yet is answered with 502', async () => {
    deployment = await Deployment.start(path.join(__dirname, '../testing/bare'), haproxy)
    const answers = await deployment.terminateBusy(0)
    expect(answers.filter((answer) => answer.startsWith('502 ')).length).toBeGreaterThan(0)
  }, 30_000)
})
