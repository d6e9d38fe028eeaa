/** What the proxies are told, and how one is run. */
import { openSync, readFileSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startProxy } from './children.mjs'

/** ms */
const HTTP2_CHECK = 500

/** @typedef {{ port: number, backends: readonly { name: string, port: number }[], folder: string, http2: boolean, check: import('./settings.mjs').Mode['check'] }} Config */

/**
 * Nothing is ever repeated (`retries 0`), so that every request a backend drops is seen. Connections to the backends are kept and
 * shared between clients; what a client is promised outlives everything here.
 *
 * HTTP/2: the checks speak it as well, each over a session of its own. Node sends the end of a response in a frame of its own, and
 * without `http-no-delay` HAProxy 2.6 keeps the body back for 200 ms, for more to come.
 * A check fails where the backend's first frame takes longer than `inter`, whatever `timeout check` says: no less than HTTP2_CHECK.
 * @param {Config} config
 */
const haproxy = ({ port, backends, http2, check }) => `
global
  log stdout format raw local0
  stats socket unix@haproxy.sock
  maxconn 2000
defaults
  mode http
  log global
  option httplog
  option dontlog-normal
  retries 0
  http-reuse ${http2 ? 'always' : 'aggressive'}
  timeout connect 2s
  timeout client 65s
  timeout http-keep-alive 61s
  timeout http-request 10s
  timeout server 30s
  timeout check 2s
frontend clients
  bind 127.0.0.1:${port}
  http-response set-header Keep-Alive timeout=60
  default_backend service
backend service
  balance roundrobin
${http2 ? '  option http-no-delay\n' : ''}  option httpchk
  http-check send meth GET uri /ready ver ${http2 ? 'HTTP/2' : 'HTTP/1.1'} hdr Host deploy
  http-check expect status 200
  default-server check inter ${http2 ? Math.max(HTTP2_CHECK, check.every) : check.every}ms fastinter ${check.every}ms fall ${check.fall} rise ${check.rise}
${backends.map(({ name, port: to }) => `  server ${name} 127.0.0.1:${to}${http2 ? ' proto h2' : ''}`).join('\n')}
`

/**
 * `error`: a request may be given to the other backend where the connection to the first cannot be made; a POST that was sent is
 * never repeated. No health checks (nginx has none), and no punishment (`max_fails`), so that it goes on opening connections to a
 * backend that is about to leave.
 * @param {Config} config
 */
const nginx = ({ port, backends }) => `
daemon off;
pid nginx.pid;
worker_processes 1;
${process.getuid?.() === 0 ? 'user root;' : ''}
error_log stderr error;
events { worker_connections 2000; }
http {
  access_log off;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path temp-${name};`).join(' ')}
  keepalive_timeout 61s 60s;
  keepalive_requests 1000000;
  upstream service {
${backends.map(({ port: to }) => `    server 127.0.0.1:${to} max_fails=0;`).join('\n')}
    keepalive 32;
    keepalive_requests 1000000;
  }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://service;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_next_upstream error;
      proxy_connect_timeout 10s;
      proxy_read_timeout 30s;
    }
  }
}
`

/** @type {Record<string, { config: (config: Config) => string, command: (file: string) => string[] }>} */
const kinds = {
  haproxy: { config: haproxy, command: (file) => ['haproxy', '-db', '-C', path.dirname(file), '-f', file] },
  nginx: { config: nginx, command: (file) => ['nginx', '-p', path.dirname(file), '-e', 'stderr', '-c', file] },
}

export class ProxyProcess {
  #folder
  #log
  /** @type {import('node:child_process').ChildProcess} */
  #process
  /** Called when it ends by itself. @type {(reason: string) => void} */
  onFailure = () => {}
  #stopped = false

  /** @param {string} name @param {Config} config */
  constructor(name, config) {
    const { config: write, command } = /** @type {typeof kinds[string]} */ (kinds[name])
    this.name = name
    this.port = config.port
    this.#folder = config.folder
    const file = path.join(config.folder, `${name}.conf`)
    writeFileSync(file, write(config))
    this.#log = path.join(config.folder, `${name}.log`)
    this.#process = startProxy(command(file), openSync(this.#log, 'a'))
    this.#process.once('error', (error) => this.onFailure(error.message))
    this.#process.once('exit', (code, signal) => {
      if (!this.#stopped) this.onFailure(`${name} ended by itself (${signal ?? `exit code ${code}`}):\n${this.log()}`)
    })
  }

  /** Resolves when it accepts connections. */
  async listening() {
    for (;;) {
      const socket = net.connect(this.port, '127.0.0.1')
      const accepted = await new Promise((resolve) => {
        socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
      })
      socket.destroy()
      if (accepted) return
      await sleep(50)
    }
  }

  /** Resolves when it sends requests to this backend. nginx does so at any time. @param {string} backend */
  async trusts(backend) {
    while (this.name === 'haproxy' && !(await this.#isUp(backend))) await sleep(100)
  }

  /** @param {string} backend */
  async #isUp(backend) {
    try {
      return new RegExp(`^service,${backend},.*,UP,`, 'm').test(await this.#stat())
    } catch (error) {
      // HAProxy listens on its ports before it has this socket.
      if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT') return false
      throw error
    }
  }

  async #stat() {
    const socket = net.connect(path.join(this.#folder, 'haproxy.sock'))
    socket.setEncoding('utf8').write('show stat\n')
    let answer = ''
    for await (const chunk of socket) answer += chunk
    return answer
  }

  log() {
    return readFileSync(this.#log, 'utf8')
  }

  stop() {
    this.#stopped = true
    this.#process.kill('SIGTERM')
  }
}
