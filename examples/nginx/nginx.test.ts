import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describeWith } from '../../test/clients/client.js'
import { versionOf } from '../../test/deploy/install.mjs'
import { deployments, itDeploysWithoutLoss } from '../testing/behind-a-proxy.js'
import type { Ports, ProxyCommands } from '../testing/deployment.js'

const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path temp-${name};`)

/** nginx with the example's configuration, ports and paths replaced, as docs/recipes/nginx.md says. */
const nginx =
  (changes: Record<string, string> = {}): ProxyCommands =>
  (folder: string, { proxy, servers }: Ports) => {
    const all = {
      'listen 8080;': `listen 127.0.0.1:${proxy};`,
      '127.0.0.1:3001': `127.0.0.1:${servers[0]}`,
      '127.0.0.1:3002': `127.0.0.1:${servers[1]}`,
      'http {': `http { access_log off; ${temporary.join(' ')}`,
      ...changes,
    }
    let configuration = readFileSync(path.join(__dirname, 'nginx.conf'), 'utf8')
    for (const [from, to] of Object.entries(all)) {
      if (!configuration.includes(from)) throw new Error(`nginx.conf has no ${from}`)
      configuration = configuration.replaceAll(from, to)
    }
    const file = path.join(folder, 'nginx.conf')
    writeFileSync(file, configuration)
    const globals = `daemon off; pid nginx.pid; ${process.getuid?.() === 0 ? 'user root;' : ''}`
    const run = ['nginx', '-p', folder, '-e', 'stderr', '-c', file, '-g', globals]
    return { run, check: [...run, '-t'] }
  }

describeWith(versionOf('nginx'), 'examples/nginx', 'no nginx on this machine', () => {
  const start = deployments()

  itDeploysWithoutLoss(__dirname, nginx(), { upload: '/uploads' })

  it('with `max_fails=1` instead, the servers restarted one after the other: 502, since both count as failed', async () => {
    // nginx's default has a `fail_timeout` of 10 s; a slow machine may need longer from one to the other.
    const deployment = await start(__dirname, nginx({ 'max_fails=0': 'max_fails=1 fail_timeout=60s' }))
    for (const which of [0, 1] as const) {
      const server = deployment.server(which)
      server.terminate()
      await server.exit
      await deployment.visitors.more(50)
      if (which === 0) await deployment.replace(which)
    }
    expect(deployment.visitors.lost[0]).toMatch('502')
  }, 60_000)
})
