import './styles/tokens.css'
import './styles/base.css'
import './styles/layout.css'
import './styles/parts.css'
import { QueryClientProvider } from '@tanstack/react-query'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app.tsx'
import { createQueries } from './data/queries.ts'
import { SessionProvider } from './data/session.tsx'
import { Toasts } from './ui/toasts.tsx'

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <QueryClientProvider client={createQueries()}>
      <Toasts>
        <SessionProvider>
          <App />
        </SessionProvider>
      </Toasts>
    </QueryClientProvider>
  </StrictMode>,
)
