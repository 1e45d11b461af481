import * as Y from 'yjs'

/** What was typed, as one change: at a place so many letters went, and others came. */
export interface Change {
  at: number
  gone: number
  come: string
}

/** Bytes of one change that the hub takes, with room to spare for what stands around the letters. */
const BYTES_MAX = 15_000
/** Changes that go out as one. */
const AT_ONCE = 300
/** Letters that are typed or pasted at once in one change. */
const LETTERS_AT_ONCE = 3000
/** What the text is called on all sides. */
const ROOT = 'report'

/** The least change that makes one text of another. A letter that takes two places is never parted. */
export function changeOf(before: string, after: string): Change | null {
  if (before === after) return null
  const most = Math.min(before.length, after.length)
  let at = 0
  while (at < most && before[at] === after[at]) at += 1
  if (at > 0 && isFirstHalf(before, at - 1)) at -= 1
  let end = 0
  while (end < most - at && before[before.length - 1 - end] === after[after.length - 1 - end]) end += 1
  if (end > 0 && isFirstHalf(before, before.length - end - 1)) end -= 1
  return { at, gone: before.length - at - end, come: after.slice(at, after.length - end) }
}

const isFirstHalf = (text: string, place: number) => {
  const code = text.charCodeAt(place)
  return code >= 0xd800 && code < 0xdc00
}

/** A caret that stays with the letters it stands between, whatever others type before it. */
export type Caret = Y.RelativePosition

/**
 * One window's copy of a situation report. What is typed in it waits until the hub has taken it, and what others typed is heard: in whatever
 * order that happens, all copies come to the same.
 */
export class ReportText {
  private readonly doc = new Y.Doc()
  private readonly root = this.doc.getText(ROOT)
  private waiting: Uint8Array[] = []
  /** How many of those that wait are on their way. */
  private going = 0

  constructor() {
    this.doc.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin === this) this.waiting.push(update)
    })
  }

  get text(): string {
    return this.root.toJSON()
  }

  get unsent(): boolean {
    return this.waiting.length > 0
  }

  /** Somebody typed here: the text became another one. */
  type(after: string): void {
    const change = changeOf(this.text, after)
    if (!change) return
    if (change.gone > 0) this.doc.transact(() => this.root.delete(change.at, change.gone), this)
    for (let place = 0; place < change.come.length;) {
      let end = Math.min(place + LETTERS_AT_ONCE, change.come.length)
      if (end < change.come.length && isFirstHalf(change.come, end - 1)) end += 1
      const part = change.come.slice(place, end)
      const at = change.at + place
      this.doc.transact(() => this.root.insert(at, part), this)
      place = end
    }
  }

  /** Something was heard: an update in base64. */
  hear(update: string): void {
    Y.applyUpdate(this.doc, bytesOf(update), 'hub')
  }

  /** What this copy knows, in base64. */
  known(): string {
    return textOf(Y.encodeStateVector(this.doc))
  }

  /** What is to be sent next, in base64; the same until it was taken. */
  next(): string | null {
    if (this.going === 0) {
      for (let count = 1; count <= Math.min(AT_ONCE, this.waiting.length); count += 1) {
        if (count > 1 && Y.mergeUpdates(this.waiting.slice(0, count)).length > BYTES_MAX) break
        this.going = count
      }
    }
    return this.going === 0 ? null : textOf(Y.mergeUpdates(this.waiting.slice(0, this.going)))
  }

  /** The hub has taken what was sent. */
  taken(): void {
    this.waiting.splice(0, this.going)
    this.going = 0
  }

  /** What waits, to be kept while the hub cannot be reached. */
  keep(): string[] {
    return this.waiting.map(textOf)
  }

  /** What waited in another life of this page. It is sent once more: what the hub has already changes nothing. */
  again(kept: string[]): void {
    const updates = kept.map(bytesOf)
    for (const update of updates) Y.applyUpdate(this.doc, update, 'kept')
    this.waiting.unshift(...updates)
  }

  caret(place: number): Caret {
    return Y.createRelativePositionFromTypeIndex(this.root, place)
  }

  place(caret: Caret): number {
    return Y.createAbsolutePositionFromRelativePosition(caret, this.doc)?.index ?? 0
  }
}

export function textOf(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return btoa(text)
}

export function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))
}
