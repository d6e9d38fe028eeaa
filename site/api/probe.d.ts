export * from '../../packages/probe/dist/types/index.js'
