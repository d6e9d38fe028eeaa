export default {
  title: 'Node Hono',
  program: 'node',
  version: ['--version'],
  run: ['@FOLDER@/server.mjs', '@PORT@'],
  stop: 'SIGTERM',
}
