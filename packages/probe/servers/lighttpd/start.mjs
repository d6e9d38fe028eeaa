export default {
  title: 'lighttpd',
  package: 'lighttpd',
  program: 'lighttpd',
  version: ['-v'],
  config: 'lighttpd.conf',
  run: ['-D', '-f', '@CONFIG@'],
  stop: 'SIGINT',
}
