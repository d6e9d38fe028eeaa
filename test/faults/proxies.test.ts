import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../../examples/testing/ports.js'
import { versionOf } from '../deploy/install.mjs'
import { Client } from '../support/client.js'
import { until, within } from '../support/wait.js'
import { where } from '../support/where.js'
import { Account, type Kind, Load, together } from './accounting.mjs'
import { Service } from './service.mjs'

// A proxy that is given new backends and reloaded under load, again and again, while its old backends drain. Only with `npm run test:faults`.
const isLong = process.env.HALFCLOSE_FAULTS === 'long'
/** Plain HTTP, with each framework. */
const kinds: Kind[] = ['http', 'express', 'fastify']
const LONGEST = 60_000
const RELOADS = 5
const DELAY = 1_500

interface Proxy {
  config(port: number, folder: string, backend: number): string
  command(file: string, folder: string): string[]
  reload: NodeJS.Signals
}

// Nothing that was sent to a backend is repeated, so that what a backend loses is seen.
const proxies: Record<'haproxy' | 'nginx', Proxy> = {
  haproxy: {
    config: (port, _folder, backend) => `
global
  maxconn 500
defaults
  mode http
  retries 0
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend clients
  bind 127.0.0.1:${port}
  default_backend service
backend service
  http-reuse always
  server a 127.0.0.1:${backend}
`,
    command: (file) => ['haproxy', '-W', '-db', '-f', file],
    reload: 'SIGUSR2',
  },
  nginx: {
    config: (port, folder, backend) => `
daemon off;
pid ${folder}/nginx.pid;
worker_processes 1;
${process.getuid?.() === 0 ? 'user root;' : ''}
error_log stderr error;
events { worker_connections 500; }
http {
  access_log off;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path temp-${name};`).join(' ')}
  upstream service { server 127.0.0.1:${backend} max_fails=0; keepalive 32; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://service;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_next_upstream off;
    }
  }
}
`,
    command: (file, folder) => ['nginx', '-p', folder, '-e', 'stderr', '-c', file],
    reload: 'SIGHUP',
  },
}

const services: Service[] = []
const cleanUp: (() => unknown)[] = []

afterEach(async () => {
  for (const end of cleanUp.splice(0)) end()
  await Promise.all(services.splice(0).map((service) => service.end()))
})

async function serve(kind: Kind): Promise<Service> {
  const service = new Service({ kind, options: { keepAlive: { timeout: 5_000 }, drain: { delay: DELAY } } })
  services.push(service)
  await within(service.listening(), () => `it listens: ${service.stderr}`, LONGEST)
  return service
}

const accepts = (port: number): Promise<boolean> =>
  Client.open({ port }).then(
    (client) => {
      client.destroy()
      return true
    },
    () => false,
  )

async function startProxy({ config, command, reload }: Proxy, first: Service) {
  const folder = mkdtempSync(path.join(tmpdir(), 'halfclose-reload-'))
  const file = path.join(folder, 'proxy.conf')
  const port = await freePort()
  const write = (backend: Service) => writeFileSync(file, config(port, folder, backend.port))
  write(first)
  const [program = '', ...args] = command(file, folder)
  let said = ''
  const child: ChildProcess = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  child.stderr?.setEncoding('utf8').on('data', (text) => {
    said += text
  })
  cleanUp.push(() => {
    child.kill('SIGTERM')
    rmSync(folder, { recursive: true, force: true })
  })
  await until('the proxy listens', () => accepts(port))
  const reloadFor = (backend: Service) => {
    write(backend)
    child.kill(reload)
  }
  return { port, reloadFor, said: () => said }
}

describe.each(['haproxy', 'nginx'] as const)('%s', (name) => {
  const why = isLong ? `there is no ${name} on this machine` : 'it takes long, and `npm run test:faults` plays it'
  const here = where(isLong && versionOf(name) !== undefined, why)

  here.test.each(kinds)(
    `reloaded for each deploy, under load, in front of %s: what the old backends were given is answered, and nothing is run twice${here.note}`,
    async (kind) => {
      let serving = await serve(kind)
      const all = [serving]
      const { port, reloadFor, said } = await startProxy(proxies[name], serving)
      const account = new Account()
      const load = new Load(account, { port, kind: 'http' }, { clients: 8 })
      cleanUp.push(() => load.close())
      const reports: Promise<{ clean: boolean }>[] = []
      for (let n = 0; n < RELOADS; n++) {
        await sleep(500)
        const old = serving
        serving = await serve(kind)
        all.push(serving)
        reloadFor(serving)
        // At the same time: the old workers go on using the old backend until they have seen the reload.
        reports.push(old.ask('drain'))
      }
      await sleep(DELAY)
      const failed = () => `${JSON.stringify(account.verdict({}).wrong.slice(0, 5))} ${said()}`
      await within(load.stop(), failed, LONGEST)
      load.close()
      reports.push(serving.ask('drain'))
      const ended = await within(Promise.all(reports), () => 'the drains end', LONGEST)
      expect(ended.map(({ clean }) => clean)).toEqual(ended.map(() => true))
      for (const one of all) expect(await within(one.leave(), () => 'nothing is left open', LONGEST)).toBe(0)
      const verdict = account.verdict(together(...all.map((one) => one.ledger())))
      console.log(`${name}, ${kind}: ${JSON.stringify(verdict)}`)
      expect(verdict).toMatchObject({ wrong: [], cutAfterRun: 0 })
      expect(verdict.answered).toBeGreaterThan(100)
    },
    180_000,
  )
})
