export default {
  title: 'Go net/http',
  package: 'golang-go',
  program: 'go',
  version: ['version'],
  build: ['build', '-o', '@TMP@/server', '@FOLDER@/main.go'],
  built: '@TMP@/server',
  run: ['@PORT@'],
  tls: { run: ['@PORT@', '@CERT@', '@KEY@'] },
  stop: 'SIGTERM',
}
