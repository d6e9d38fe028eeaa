export default {
  title: 'Caddy',
  package: 'caddy',
  program: 'caddy',
  version: ['version'],
  config: 'Caddyfile',
  run: ['run', '--adapter', 'caddyfile', '--config', '@CONFIG@'],
  stop: 'SIGTERM',
  tls: { config: 'Caddyfile-tls' },
}
