import { io } from '/vendor/socket.io.js'
import { text } from './text.js'

/** Shows the live counter. Socket.IO reconnects on its own; this only shows the state. */
export function showCounter() {
  const socket = io({ path: '/rts/socket.io', reconnectionDelay: 250, reconnectionDelayMax: 2_000 })
  const connection = document.querySelector('#connection')
  const say = (state, words) => {
    connection.dataset.state = state
    connection.textContent = words
  }
  socket.on('connect', () => {
    const { engine } = socket.io
    say('good', 'connected')
    text('#transport', engine.transport.name)
    engine.once('upgrade', (transport) => text('#transport', transport.name))
  })
  socket.on('disconnect', () => {
    say('bad', 'reconnecting')
    text('#transport', '–')
  })
  socket.on('count', ({ value, store, pid, problem }) => {
    text('#count', value ?? '–')
    text('#store', problem ? `${store}: ${problem}` : store)
    text('#rts-pid', pid)
    text('#rts-kill', `kill -9 ${pid}`)
  })
}
