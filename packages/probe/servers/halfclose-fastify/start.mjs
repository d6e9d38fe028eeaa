export default {
  title: 'halfclose Fastify',
  program: 'node',
  version: ['--version'],
  modules: ['@halfclose/fastify', 'fastify'],
  run: ['@FOLDER@/server.mjs', '@PORT@'],
  stop: 'SIGTERM',
}
