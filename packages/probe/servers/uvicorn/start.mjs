export default {
  title: 'uvicorn',
  package: 'uvicorn',
  program: 'uvicorn',
  version: ['--version'],
  run: ['--app-dir', '@FOLDER@', '--host', '127.0.0.1', '--port', '@PORT@', '--log-level', 'warning', 'app:application'],
  stop: 'SIGTERM',
}
