export * from '../../packages/core/dist/types/index.js'
