export default {
  title: 'Node Hono',
  program: 'node',
  version: ['--version'],
  modules: ['hono', '@hono/node-server'],
  run: ['@FOLDER@/server.mjs', '@PORT@'],
  stop: 'SIGTERM',
}
