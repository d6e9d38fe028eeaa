export * from '../../packages/express/dist/types/index.js'
