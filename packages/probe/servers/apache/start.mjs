export default {
  title: 'Apache httpd',
  package: 'apache2-bin',
  program: 'apache2',
  version: ['-v'],
  config: 'httpd.conf',
  run: ['-DFOREGROUND', '-f', '@CONFIG@'],
  stop: 'SIGWINCH',
  tls: { config: 'httpd-tls.conf' },
}
