import { lazy, type ReactNode, Suspense } from 'react'
import { Link, Redirect, Route, Router, Switch, useLocation } from 'wouter'
import type { Scope } from '../../src/http/scopes.ts'
import { loadPage } from './data/load-page.ts'
import { useDoor, useSession } from './data/session.tsx'
import { Shell } from './shell.tsx'
import { SignIn } from './sign-in.tsx'
import { Boundary } from './ui/boundary.tsx'
import { Page } from './ui/page.tsx'
import { Empty, Loading } from './ui/states.tsx'

/** The areas of the console: each is a page folder, loaded when somebody goes there. */
export const AREAS = [
  {
    path: '/',
    name: 'Overview',
    scope: 'admin:read',
    page: lazy(() => loadPage(() => import('./pages/overview/overview.tsx'))),
  },
  {
    path: '/social',
    name: 'Social',
    scope: 'social:read',
    page: lazy(() => loadPage(() => import('./pages/social/social.tsx'))),
  },
  {
    path: '/orders',
    name: 'Orders',
    scope: 'orders:read',
    page: lazy(() => loadPage(() => import('./pages/orders/orders.tsx'))),
  },
  {
    path: '/products',
    name: 'Products',
    scope: 'orders:read',
    page: lazy(() => loadPage(() => import('./pages/products/products.tsx'))),
  },
  {
    path: '/report',
    name: 'Report',
    scope: 'reports:read',
    page: lazy(() => loadPage(() => import('./pages/report/report.tsx'))),
  },
  {
    path: '/payments',
    name: 'Payments',
    scope: 'payments:read',
    page: lazy(() => loadPage(() => import('./pages/payments/payments.tsx'))),
  },
  {
    path: '/operations',
    name: 'Operations',
    scope: 'admin:read',
    page: lazy(() => loadPage(() => import('./pages/operations/operations.tsx'))),
  },
] as const satisfies readonly { path: string; name: string; scope: Scope; page: unknown }[]

export function App() {
  const { state } = useDoor()
  if (state === 'starting') return <Loading what="Starting" />
  if (state === 'away') return <Loading what="Fanfold does not answer yet; trying again" />
  if (state === 'signed-out') return <SignIn />
  return (
    <Router base="/console">
      <Shell areas={AREAS}>
        <Guarded>
          <Suspense fallback={<Loading />}>
            <Pages />
          </Suspense>
        </Guarded>
      </Shell>
    </Router>
  )
}

function Guarded({ children }: { readonly children: ReactNode }) {
  const [place] = useLocation()
  return <Boundary place={place}>{children}</Boundary>
}

function Pages() {
  const { can } = useSession()
  const allowed = AREAS.filter(({ scope }) => can(scope))
  const first = allowed[0]
  return (
    <Switch>
      {allowed.map(({ path, page: Area }) => (
        <Route key={path} path={path === '/' ? '/' : path} nest={path !== '/'}>
          <Area />
        </Route>
      ))}
      <Route path="/">{first === undefined ? <NothingAllowed /> : <Redirect to={first.path} />}</Route>
      <Route>
        <Page title="Not found">
          <Empty title="There is no such page, or this key may not see it">
            <Link href="/">Back to the start</Link>
          </Empty>
        </Page>
      </Route>
    </Switch>
  )
}

function NothingAllowed() {
  return (
    <Page title="Nothing to see">
      <Empty title="This key may not see any part of the console">
        <p>Ask for a key with one of the scopes admin:read, social:read, orders:read, reports:read, payments:read.</p>
      </Empty>
    </Page>
  )
}
