export default {
  title: 'nginx',
  package: 'nginx-light',
  program: 'nginx',
  version: ['-v'],
  config: 'nginx.conf',
  run: ['-c', '@CONFIG@', '-p', '@TMP@', '-e', '@TMP@/error.log'],
  stop: 'SIGQUIT',
  tls: { config: 'nginx-tls.conf' },
}
