export default {
  title: 'Node Fastify',
  program: 'node',
  version: ['--version'],
  modules: ['fastify'],
  run: ['@FOLDER@/server.mjs', '@PORT@'],
  stop: 'SIGTERM',
}
