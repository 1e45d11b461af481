import classes from './evidence.module.css'
import type { Tone } from './words.ts'

/** How something stands: the word, and a colour that repeats it. */
export function Mark({ tone, word }: { tone: Tone; word: string }) {
  return <span className={classes.mark} data-tone={tone}>{word}</span>
}
