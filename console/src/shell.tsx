import { type ReactNode, useEffect, useRef, useState } from 'react'
import { Link, useLocation } from 'wouter'
import type { Scope } from '../../src/http/scopes.ts'
import { useSession } from './data/session.tsx'
import { useServerAway } from './data/use-server-away.ts'
import { useTheme } from './theme.ts'
import { Button } from './ui/button.tsx'
import { Field } from './ui/field.tsx'

interface Area {
  readonly path: string
  readonly name: string
  readonly scope: Scope
}

/** The frame of every page: where one can go, who is signed in, and whether the server is there. */
export function Shell({ areas, children }: { readonly areas: readonly Area[]; readonly children: ReactNode }) {
  const { can, key, settings, signOut } = useSession()
  const [isOpen, setOpen] = useState(false)
  const [theme, setTheme] = useTheme()
  const isAway = useServerAway()
  const [here] = useLocation()
  const menu = useRef<HTMLElement>(null)
  useEffect(() => {
    if (!isOpen) return
    const close = ({ key: pressed }: KeyboardEvent) => {
      if (pressed !== 'Escape') return
      setOpen(false)
      menu.current?.querySelector('button')?.focus()
    }
    document.addEventListener('keydown', close)
    return () => document.removeEventListener('keydown', close)
  }, [isOpen])
  const isHere = (path: string) => (path === '/' ? here === '/' : here === path || here.startsWith(`${path}/`))
  return (
    <div className="shell">
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <header className="topbar" ref={menu}>
        <Brand />
        <Button aria-expanded={isOpen} aria-controls="nav" onClick={() => setOpen(!isOpen)}>
          Menu
        </Button>
      </header>
      <nav className="nav" id="nav" data-open={isOpen} aria-label="Areas">
        <Brand />
        <div className="nav-links">
          {areas
            .filter(({ scope }) => can(scope))
            .map(({ path, name }) => (
              <Link
                key={path}
                href={path}
                aria-current={isHere(path) ? 'page' : undefined}
                onClick={() => setOpen(false)}
              >
                {name}
              </Link>
            ))}
        </div>
        <div className="nav-foot">
          <a href="/docs">API docs</a>
          <Field label="Theme">
            <select value={theme} onChange={(event) => setTheme(event.target.value)}>
              <option value="system">As the system</option>
              <option value="light">Light</option>
              <option value="dark">Dark</option>
            </select>
          </Field>
          <div className="soft">
            Key <strong>{key.name}</strong>
            <br />
            {key.scopes.join(', ')}
          </div>
          <Button onClick={signOut}>Sign out</Button>
          <div className="soft">
            Fanfold {settings.version}
            <br />
            Times in {settings.store_time_zone}
          </div>
        </div>
      </nav>
      <main className="main" id="main" tabIndex={-1}>
        {isAway ? (
          <div className="banner" role="alert">
            <strong>Fanfold does not answer.</strong> What you see is the last that was known; trying again …
          </div>
        ) : null}
        {children}
      </main>
    </div>
  )
}

function Brand() {
  return (
    <Link href="/" className="brand">
      <svg viewBox="0 0 32 32" aria-hidden="true">
        <path d="M5 4h22v6H5z" fill="#0b7285" />
        <path d="M5 10l22 4v6L5 14z" fill="#15aabf" />
        <path d="M5 20l22-4v6L5 26z" fill="#0b7285" />
      </svg>
      Fanfold
    </Link>
  )
}
