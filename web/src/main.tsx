import '@mantine/core/styles.css'
import './theme/tokens.css'
import './theme/global.css'

import { createRoot } from 'react-dom/client'

import { App } from './app.tsx'
import { startLanguage } from './i18n.ts'
import { installImeGuard } from './input/ime.ts'
import { PartMissing } from './part.ts'

installImeGuard(window)

const root = document.getElementById('root')
// A part that is missing is told of in its place, and is no fault of the program.
const onCaughtError = (fault: unknown) => { if (!(fault instanceof PartMissing)) console.error(fault) }
if (root) void startLanguage().then(() => createRoot(root, { onCaughtError }).render(<App />))
