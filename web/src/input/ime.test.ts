// @vitest-environment jsdom
import { afterEach, expect, it } from 'vitest'

import { installImeGuard } from './ime.ts'

let remove = () => {}
afterEach(() => remove())

/** What a control hears of a key press while the guard stands. */
function check(press: KeyboardEventInit & { keyCode?: number }, heard: boolean) {
  remove = installImeGuard(window)
  const field = document.createElement('input')
  document.body.append(field)
  const keys: string[] = []
  field.addEventListener('keydown', (event) => keys.push(event.key))
  // A library that listens on the window in the capture phase comes later and must not hear it either.
  const late = (event: KeyboardEvent) => keys.push(`late ${event.key}`)
  window.addEventListener('keydown', late, { capture: true })
  const event = new KeyboardEvent('keydown', { bubbles: true, cancelable: true, ...press })
  if (press.keyCode !== undefined) Object.defineProperty(event, 'keyCode', { value: press.keyCode })
  field.dispatchEvent(event)
  window.removeEventListener('keydown', late, { capture: true })
  field.remove()
  expect(keys).toEqual(heard ? [`late ${press.key}`, press.key] : [])
}

it('stops Enter while composing (Chrome, Firefox)', () => check({ key: 'Enter', isComposing: true, keyCode: 13 }, false))
it('stops Enter with key code 229 after the composition (Safari)', () => check({ key: 'Enter', keyCode: 229 }, false))
it('stops the key that browsers call Process', () => check({ key: 'Process', keyCode: 229 }, false))
it('stops the arrows that choose among candidates', () => check({ key: 'ArrowDown', isComposing: true }, false))
it('lets plain Enter through', () => check({ key: 'Enter', keyCode: 13 }, true))
it('lets letters through', () => check({ key: 'k', keyCode: 75 }, true))
