export default {
  title: 'HAProxy',
  package: 'haproxy',
  program: 'haproxy',
  version: ['-v'],
  config: 'haproxy.cfg',
  run: ['-db', '-f', '@CONFIG@'],
  stop: 'SIGUSR1',
  tls: { config: 'haproxy-tls.cfg' },
}
