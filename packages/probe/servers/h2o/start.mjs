export default {
  title: 'h2o',
  package: 'h2o',
  program: 'h2o',
  version: ['--version'],
  config: 'h2o.conf',
  run: ['-c', '@CONFIG@'],
  stop: 'SIGTERM',
}
