// A mail server that takes everything and keeps it, for tests of what the hub sends by mail.
import { createServer } from 'node:net'

const quotedPrintable = (text) => Buffer.from(text.replace(/=\r?\n/gu, '').replace(/=([0-9A-F]{2})/giu, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16))), 'latin1')

/** A header's text: encoded words (RFC 2047) one after the other are one text. */
function words(text) {
  return text.replace(/\?=\s+=\?/gu, '?==?').replace(/=\?[^?]+\?([bq])\?([^?]*)\?=/giu, (_, how, content) => (how.toLowerCase() === 'b' ? Buffer.from(content, 'base64') : quotedPrintable(content.replaceAll('_', ' '))).toString('utf8'))
}

/** A mail of plain text as a reader of mail shows it. */
function shown(raw) {
  const end = raw.indexOf('\r\n\r\n')
  const head = raw.slice(0, end).replace(/\r\n[ \t]+/gu, ' ')
  const field = (name) => new RegExp(`^${name}: *(.*)$`, 'imu').exec(head)?.[1]?.trim() ?? ''
  const content = raw.slice(end + 4)
  const how = field('Content-Transfer-Encoding').toLowerCase()
  const bytes = how === 'base64' ? Buffer.from(content, 'base64') : how === 'quoted-printable' ? quotedPrintable(content) : Buffer.from(content, 'latin1')
  return { subject: words(field('Subject')), text: bytes.toString('utf8').replaceAll('\r\n', '\n') }
}

/** One connection; `keep` is given each mail, with whom it is for. */
function serve(socket, keep) {
  let [held, to, isText] = ['', [], false]
  const say = (line) => socket.write(`${line}\r\n`)
  const hear = (line) => {
    const verb = line.slice(0, 4).toUpperCase()
    if (verb === 'RCPT') to.push(/<([^>]*)>/u.exec(line)?.[1] ?? '')
    if (verb === 'DATA') isText = true
    say(verb === 'DATA' ? '354 go on' : verb === 'QUIT' ? '221 bye' : '250 ok')
    if (verb === 'QUIT') socket.end()
  }
  socket.on('error', () => socket.destroy())
  // Bytes as they are: a mail may be in eight bits, and is decoded as a whole.
  socket.on('data', (chunk) => {
    held += chunk.toString('latin1')
    for (;;) {
      const end = held.indexOf(isText ? '\r\n.\r\n' : '\r\n')
      if (end === -1) return
      const part = held.slice(0, end)
      held = held.slice(end + (isText ? 5 : 2))
      if (!isText) {
        hear(part)
        continue
      }
      isText = false
      keep({ to, ...shown(part.replace(/^\.\./gmu, '.')) })
      to = []
      say('250 taken')
    }
  })
  say('220 here')
}

/** The server, on a free port of this machine. */
export async function startSmtp() {
  const taken = []
  const sockets = new Set()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    serve(socket, (mail) => taken.push(mail))
  })
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  return {
    port: server.address().port,
    taken,
    stop: () => new Promise((resolve) => {
      for (const socket of sockets) socket.destroy()
      server.close(resolve)
    }),
  }
}
