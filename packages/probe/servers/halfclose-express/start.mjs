export default {
  title: 'halfclose Express',
  program: 'node',
  version: ['--version'],
  modules: ['@halfclose/express', 'express'],
  run: ['@FOLDER@/server.mjs', '@PORT@'],
  stop: 'SIGTERM',
}
