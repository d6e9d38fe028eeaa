// pm2 start ecosystem.config.cjs --only web          then, for a deploy: pm2 reload ecosystem.config.cjs --only web
const app = {
  script: 'server.mjs',
  cwd: __dirname,
  // The new process says `ready` (see server.mjs), and only then the old one is told to go.
  wait_ready: true,
  // The longest start: after it PM2 goes on without `ready`, and stops the old process all the same. PM2's own figure is 3 s.
  listen_timeout: 15_000,
  // More than the drain's deadline (20 s) and its linger (2 s): after it comes SIGKILL. PM2's own figure is 1.6 s.
  kill_timeout: 25_000,
  // pm2 stop and restart send the message `shutdown`, where a signal would be lost on Windows. A cluster's reload sends SIGINT all the same.
  shutdown_with_message: true,
  env: { NODE_ENV: 'production', PORT: process.env.PORT ?? 3000 },
}

module.exports = {
  apps: [
    // PM2's daemon holds the listening socket: it outlives every process, and `pm2 reload` loses nothing.
    { ...app, name: 'web', exec_mode: 'cluster', instances: 2 },
    // One process: `pm2 reload` is a restart. What it accepted is answered; whoever comes between the old one and the new is refused.
    { ...app, name: 'single', exec_mode: 'fork' },
  ],
}
