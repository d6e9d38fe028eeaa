export default {
  title: 'halfclose http',
  program: 'node',
  version: ['--version'],
  modules: ['@halfclose/core'],
  run: ['@FOLDER@/server.mjs', '@PORT@'],
  tls: { run: ['@FOLDER@/server.mjs', '@PORT@', '@CERT@', '@KEY@'] },
  stop: 'SIGTERM',
}
