export default {
  title: 'Node http',
  program: 'node',
  version: ['--version'],
  run: ['@FOLDER@/server.mjs', '@PORT@'],
  stop: 'SIGTERM',
}
