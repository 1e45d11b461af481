import react from '@vitejs/plugin-react'
import { defineConfig } from 'vitest/config'

// `npm run dev` talks to a hub, or to the mock (`npm run mock`) where no hub stands.
const hub = process.env.YAGURA_HUB ?? 'http://127.0.0.1:8441'

export default defineConfig({
  plugins: [react()],
  build: {
    target: 'es2022',
    // The hub serves the console under `default-src 'self'`: nothing may be inlined as a data: address but images.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { proxy: { '/api': { target: hub, changeOrigin: false }, '/log': { target: hub, changeOrigin: false } } },
  // Those that need a document say so themselves (`@vitest-environment jsdom`): each costs a second.
  test: { environment: 'node', include: ['src/**/*.test.ts', 'src/**/*.test.tsx'] },
})
