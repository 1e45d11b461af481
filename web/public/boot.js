// Runs before the first paint, so that a dark room stays dark: the scheme and language last chosen, else the system's.
;(function () {
  var root = document.documentElement
  var scheme = null
  var language = null
  try {
    scheme = localStorage.getItem('yagura.scheme')
    language = localStorage.getItem('yagura.language')
  } catch (_) {
    // Storage is refused: the system's choice stands.
  }
  if (scheme !== 'light' && scheme !== 'dark') {
    scheme = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'
  }
  root.setAttribute('data-mantine-color-scheme', scheme)
  if (language !== 'ja' && language !== 'en') {
    language = (navigator.language || 'ja').toLowerCase().indexOf('ja') === 0 ? 'ja' : 'en'
  }
  root.lang = language
})()
