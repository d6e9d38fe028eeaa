export default {
  title: 'halfclose Express',
  program: 'node',
  version: ['--version'],
  run: ['@FOLDER@/server.mjs', '@PORT@'],
  stop: 'SIGTERM',
}
