export default {
  title: 'Tomcat',
  package: 'tomcat10',
  program: '/usr/share/tomcat10/bin/catalina.sh',
  version: ['version'],
  config: 'server.xml',
  env: { CATALINA_HOME: '/usr/share/tomcat10', CATALINA_BASE: '@TMP@', CATALINA_TMPDIR: '@TMP@' },
  run: ['run', '-config', '@CONFIG@'],
  path: '/index.jsp',
  slow: '/slow.jsp?ms=1000',
  stream: '/stream.jsp',
  stop: 'SIGTERM',
}
