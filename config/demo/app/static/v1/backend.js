import { text } from './text.js'

const pauseBetweenTries = 1_000

/** Shows the response of the API, and retries until there is one. */
export function showBackend() {
  const pill = document.querySelector('#backend')
  const say = (state, words) => {
    pill.dataset.state = state
    pill.textContent = words
  }
  let nextTry
  const ask = async () => {
    clearTimeout(nextTry)
    try {
      const response = await fetch('/api/hello', { headers: { accept: 'application/json' } })
      if (!response.ok) throw new Error(`status ${response.status}`)
      show(await response.json())
      say('good', 'answered')
    } catch (error) {
      say('bad', error.message)
      nextTry = setTimeout(ask, pauseBetweenTries)
    }
  }
  document.querySelector('#ask').addEventListener('click', ask)
  ask()
}

function show({ greeting, language, version, pid, uptimeSeconds, seen }) {
  text('#greeting', greeting)
  text('#language', `${{ java: 'Java', node: 'Node' }[language]} ${version}`)
  text('#backend-pid', pid)
  text('#uptime', `${Math.round(uptimeSeconds)} s`)
  text('#protocol', seen.protocol ?? 'no proxy')
}
