// Enter that confirms a conversion belongs to the input method, not to us. Libraries each catch one half of the cases:
// some look at `isComposing`, some at key code 229 (which Safari sends after the composition has ended). One listener on
// the window, in the capture phase, stops both before any control sees them.

/** Whether this key press belongs to an input method. */
export function belongsToInputMethod(event: Pick<KeyboardEvent, 'isComposing' | 'keyCode'>): boolean {
  return event.isComposing || event.keyCode === 229
}

/** Installs the guard; the answer takes it away. */
export function installImeGuard(target: Window): () => void {
  const guard = (event: KeyboardEvent) => {
    if (!belongsToInputMethod(event)) return
    // With key code 229 browsers name the key `Process` or, in Safari, `Enter`; arrows and Escape steer the candidates.
    if (['Enter', 'Process', 'Escape', 'Tab', 'ArrowUp', 'ArrowDown', 'Backspace'].includes(event.key)) {
      event.stopImmediatePropagation()
    }
  }
  target.addEventListener('keydown', guard, { capture: true })
  target.addEventListener('keyup', guard, { capture: true })
  target.addEventListener('keypress', guard, { capture: true })
  return () => {
    target.removeEventListener('keydown', guard, { capture: true })
    target.removeEventListener('keyup', guard, { capture: true })
    target.removeEventListener('keypress', guard, { capture: true })
  }
}
