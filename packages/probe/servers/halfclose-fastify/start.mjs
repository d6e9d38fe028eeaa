export default {
  title: 'halfclose Fastify',
  program: 'node',
  version: ['--version'],
  run: ['@FOLDER@/server.mjs', '@PORT@'],
  stop: 'SIGTERM',
}
