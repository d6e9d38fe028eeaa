import type { Server as HttpServer } from 'node:http'
import type { Http2SecureServer, Http2Server } from 'node:http2'
import type { Server as HttpsServer } from 'node:https'

/** What {@link attach} takes: a server made by `node:http`, `node:https` or `node:http2`. */
export type AttachableServer = HttpServer | HttpsServer | Http2Server | Http2SecureServer
