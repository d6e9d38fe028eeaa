export { Client, type ClientOptions } from 'halfclose-probe/wire'
