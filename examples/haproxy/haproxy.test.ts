import path from 'node:path'
import { describeWith } from '../../test/clients/client.js'
import { versionOf } from '../../test/deploy/install.mjs'
import { deployments, itDeploysWithoutLoss } from '../testing/behind-a-proxy.js'
import type { ProxyCommands } from '../testing/deployment.js'

const file = path.join(__dirname, 'haproxy.cfg')

/** HAProxy with the example's configuration, and the variables that it has for that. */
const haproxy: ProxyCommands = (_folder, { proxy, servers: [a, b] }) => {
  const env = ['env', `BIND=127.0.0.1:${proxy}`, `SERVER_A=127.0.0.1:${a}`, `SERVER_B=127.0.0.1:${b}`]
  return { check: [...env, 'haproxy', '-c', '-f', file], run: [...env, 'haproxy', '-db', '-f', file] }
}

describeWith(versionOf('haproxy'), 'examples/haproxy', 'no haproxy on this machine', () => {
  const start = deployments()

  itDeploysWithoutLoss(__dirname, haproxy, {
    // It is out of the rotation by then: `fall` times `inter` is over before the delay is.
    stopped: ({ log }) => expect(log).toMatch(/Server app\/. is DOWN/),
  })

  it('clients are promised what HAProxy keeps, and not what the servers promise to HAProxy', async () => {
    const client = await (await start(__dirname, haproxy)).connect()
    const { headers } = await client.request('GET / HTTP/1.1\r\nHost: example\r\n\r\n')
    expect(headers.get('keep-alive')).toBe('timeout=60')
  })
})
