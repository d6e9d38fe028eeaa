export * from '../../packages/core/dist/types/cluster/index.js'
