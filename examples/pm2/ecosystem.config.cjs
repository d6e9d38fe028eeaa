// pm2 start ecosystem.config.cjs --only web          then, for a deploy: pm2 reload ecosystem.config.cjs --only web
const app = {
  script: 'server.mjs',
  cwd: __dirname,
  // The new process says `ready` (see server.mjs). Only then PM2 tells the old one to stop.
  wait_ready: true,
  // The longest start. After it PM2 does not wait for `ready` any more, and stops the old process. PM2's default is 3 s.
  listen_timeout: 15_000,
  // More than the drain's deadline (20 s) and its linger (2 s): after it PM2 sends SIGKILL. PM2's default is 1.6 s.
  kill_timeout: 25_000,
  // pm2 stop and restart send the message `shutdown`, because Windows has no signals. A reload in cluster mode still sends SIGINT.
  shutdown_with_message: true,
  env: { NODE_ENV: 'production', PORT: process.env.PORT ?? 3000 },
}

module.exports = {
  apps: [
    // PM2's daemon holds the listening socket. The daemon stays when processes end, so `pm2 reload` loses nothing.
    { ...app, name: 'web', exec_mode: 'cluster', instances: 2 },
    // One process: `pm2 reload` is a restart. What it accepted is answered; a client that connects between the old process and the new one is refused.
    { ...app, name: 'single', exec_mode: 'fork' },
  ],
}
