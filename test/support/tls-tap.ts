export { Records, tap } from 'halfclose-probe/wire'
