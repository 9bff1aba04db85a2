import { showBackend } from './backend.js'
import { showCounter } from './counter.js'
import { startRouter } from './router.js'

startRouter(document.querySelector('#page'))
showCounter()
showBackend()
