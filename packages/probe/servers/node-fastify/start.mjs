export default {
  title: 'Node Fastify',
  program: 'node',
  version: ['--version'],
  run: ['@FOLDER@/server.mjs', '@PORT@'],
  stop: 'SIGTERM',
}
