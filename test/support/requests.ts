export { ask, get, get10, pipeline, post, postHead } from 'halfclose-probe/wire'
