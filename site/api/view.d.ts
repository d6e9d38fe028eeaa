export * from '../../packages/core/dist/types/view/index.js'
