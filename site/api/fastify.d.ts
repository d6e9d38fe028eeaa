export * from '../../packages/fastify/dist/types/index.js'
