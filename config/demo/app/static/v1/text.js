export function text(selector, words) {
  document.querySelector(selector).textContent = words
}
