export default {
  title: 'Node http',
  program: 'node',
  version: ['--version'],
  run: ['@FOLDER@/server.mjs', '@PORT@'],
  tls: { run: ['@FOLDER@/server.mjs', '@PORT@', '@CERT@', '@KEY@'] },
  stop: 'SIGTERM',
}
