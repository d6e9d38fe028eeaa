/** The pages that TypeDoc makes, one for each file of api/: the name by which it is imported, and what it has. */
export const API = {
  core: { from: '@halfclose/core', what: '`attach` for servers of Node, the handle, options, events and the report' },
  fastify: { from: '@halfclose/fastify', what: 'the plugin for Fastify' },
  express: { from: '@halfclose/express', what: '`halfclose(app)` for Express' },
  metrics: { from: '@halfclose/core/metrics', what: 'metrics for Prometheus and OpenTelemetry' },
  view: { from: '@halfclose/core/view', what: 'the page that shows who is connected, and the recording of a drain' },
  cluster: { from: '@halfclose/core/cluster', what: 'a rolling restart for the primary of a cluster' },
  probe: { from: 'halfclose-probe', what: 'the probe as a library' },
  'probe-wire': { from: 'halfclose-probe/wire', what: 'the clients that the probe and the tests use' },
}
