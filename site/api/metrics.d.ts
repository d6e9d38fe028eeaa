export * from '../../packages/core/dist/types/metrics/index.js'
