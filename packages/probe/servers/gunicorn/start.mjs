export default {
  title: 'gunicorn',
  package: 'gunicorn',
  program: 'gunicorn',
  version: ['--version'],
  run: ['--chdir', '@FOLDER@', '--threads', '8', '-b', '127.0.0.1:@PORT@', 'app:application'],
  stop: 'SIGTERM',
}
