/** The app's own routes. The server answers each with index.html, and this renders the page. */
const pages = [
  { pattern: /^\/$/, title: 'Home', draw: home },
  { pattern: /^\/about$/, title: 'About', draw: about },
  { pattern: /^\/items\/(\d{1,9})$/, title: 'Item', draw: item },
]

export function startRouter(main) {
  const show = () => {
    const { title, nodes } = pageFor(location.pathname)
    main.replaceChildren(element('h1', {}, title), ...nodes)
    for (const link of document.querySelectorAll('nav a')) {
      if (link.pathname === location.pathname) link.setAttribute('aria-current', 'page')
      else link.removeAttribute('aria-current')
    }
  }
  document.addEventListener('click', (event) => {
    const link = event.target.closest('a[href^="/"]')
    if (!link || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    event.preventDefault()
    history.pushState(null, '', link.href)
    show()
  })
  addEventListener('popstate', show)
  show()
}

function pageFor(path) {
  for (const { pattern, title, draw } of pages) {
    const match = pattern.exec(path)
    if (match) return { title: [title, match[1]].filter(Boolean).join(' '), nodes: draw(match[1]) }
  }
  return { title: 'No such page', nodes: [paragraph('The app has no page at ', code(path), '.')] }
}

function home() {
  return [
    paragraph(
      'One program serves this page, forwards the API calls and the WebSocket below, and keeps the programs behind them running.',
    ),
    paragraph('End one of them from a terminal: this page sees it go and come back.'),
  ]
}

function about() {
  return [
    paragraph('The files come from disk; the title was put into the page as it was served.'),
    paragraph('The API is a Java program, or a Node one where no JDK is installed. The counter is a Node program.'),
    paragraph('All of it is described by ', code('config/demo.yaml'), '.'),
  ]
}

function item(digits) {
  const number = Number(digits)
  return [
    paragraph('A deep link: reload it, or open it in another tab, and the same page comes back.'),
    paragraph(
      ...(number > 0 ? [element('a', { href: `/items/${number - 1}` }, `Item ${number - 1}`), ' · '] : []),
      element('a', { href: `/items/${number + 1}` }, `Item ${number + 1}`),
    ),
  ]
}

function paragraph(...children) {
  return element('p', {}, ...children)
}

function code(text) {
  return element('code', {}, text)
}

function element(name, attributes, ...children) {
  const node = Object.assign(document.createElement(name), attributes)
  node.append(...children)
  return node
}
