// What a server build of React Router exports, with two routes that answer JSON (resource routes: no component).
export const assets = { entry: { module: '', imports: [] }, routes: {}, url: '', version: '1' }
export const assetsBuildDirectory = ''
export const basename = '/'
export const future = {}
export const isSpaMode = false
export const prerender = []
export const publicPath = '/'
export const routeDiscovery = { mode: 'initial' }
export const ssr = true
export const entry = { module: { default: () => new Response('', { status: 500 }) } }
export const routes = {
  hello: { id: 'hello', path: '/', module: { loader: () => Response.json({ hello: 'world' }) } },
  echo: { id: 'echo', path: '/echo', module: { action: async ({ request }) => Response.json(await request.json()) } },
}
