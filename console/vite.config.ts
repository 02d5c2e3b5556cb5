import { fileURLToPath } from 'node:url'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

const client = fileURLToPath(new URL('../src/client/index.ts', import.meta.url))

/** The console is served from the package under /console; with `npm run console` a server on port 8080 answers for it. */
export default defineConfig({
  root: import.meta.dirname,
  base: '/console/',
  resolve: { alias: [{ find: /^fanfold\/client$/, replacement: client }] },
  plugins: [react()],
  build: {
    outDir: '../dist-console',
    emptyOutDir: true,
    target: 'es2022',
    // The policy of the page allows no data: scripts or fonts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: {
    port: 5173,
    proxy: Object.fromEntries(
      ['/v1', '/livez', '/readyz', '/metrics', '/console/settings.json'].map((path) => [path, 'http://127.0.0.1:8080']),
    ),
  },
})
