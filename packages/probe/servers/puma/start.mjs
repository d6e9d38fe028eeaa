export default {
  title: 'Puma',
  package: 'puma',
  program: 'puma',
  version: ['--version'],
  run: ['-q', '-b', 'tcp://127.0.0.1:@PORT@', '@FOLDER@/config.ru'],
  stop: 'SIGTERM',
}
