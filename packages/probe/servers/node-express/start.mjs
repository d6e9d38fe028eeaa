export default {
  title: 'Node Express',
  program: 'node',
  version: ['--version'],
  modules: ['express'],
  run: ['@FOLDER@/server.mjs', '@PORT@'],
  stop: 'SIGTERM',
}
