import '@mantine/core/styles.css'
import './theme/tokens.css'
import './theme/global.css'

import { createRoot } from 'react-dom/client'

import { App } from './app.tsx'
import { startLanguage } from './i18n.ts'
import { installImeGuard } from './input/ime.ts'

installImeGuard(window)

const root = document.getElementById('root')
if (root) void startLanguage().then(() => createRoot(root).render(<App />))
