import { useQueryClient } from '@tanstack/react-query'
import { createClient, type FanfoldClient, isProblem } from 'fanfold/client'
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from 'react'
import { allows, type Scope } from '../../../src/http/scopes.ts'
import { isAway } from './queries.ts'

const STORED = 'fanfold.api-key'
const ASK_AGAIN_MS = 2_000

/** What the server tells before anybody signs in. */
export interface Settings {
  readonly version: string
  /** IANA name; days and times are shown in it. */
  readonly store_time_zone: string
}

export interface OwnKey {
  readonly key_id: string
  readonly name: string
  readonly scopes: readonly Scope[]
}

interface Session {
  readonly client: FanfoldClient
  readonly settings: Settings
  readonly key: OwnKey
  /** Whether the key may do what asks for this scope; what it may not do is not offered. */
  can(scope: Scope): boolean
  signOut(): void
}

interface SessionDoor {
  readonly state: 'starting' | 'away' | 'signed-out' | 'signed-in'
  readonly session: Session | undefined
  /** Why the last stored key was refused. */
  readonly refusal: unknown
  signIn(apiKey: string): Promise<void>
}

const Door = createContext<SessionDoor | undefined>(undefined)

const clientOf = (apiKey: string) => createClient({ baseUrl: window.location.origin, apiKey, timeoutMs: 30_000 })

async function settingsOf(): Promise<Settings> {
  const response = await fetch('/console/settings.json')
  if (!response.ok) throw new Error(`settings: ${response.status}`)
  return (await response.json()) as Settings
}

/** The key lives in this tab only (sessionStorage), and is gone with it. */
export function SessionProvider({ children }: { readonly children: ReactNode }) {
  const queries = useQueryClient()
  const [settings, setSettings] = useState<Settings>()
  const [signedIn, setSignedIn] = useState<{ readonly client: FanfoldClient; readonly key: OwnKey }>()
  const [refusal, setRefusal] = useState<unknown>()
  const [state, setState] = useState<SessionDoor['state']>('starting')

  const signIn = useCallback(async (apiKey: string) => {
    const client = clientOf(apiKey)
    const key = (await client.get('/v1/keys/self', {})) as OwnKey
    sessionStorage.setItem(STORED, apiKey)
    setSignedIn({ client, key })
    setRefusal(undefined)
    setState('signed-in')
  }, [])

  const signOut = useCallback(
    (because?: unknown) => {
      sessionStorage.removeItem(STORED)
      queries.clear()
      setSignedIn(undefined)
      setRefusal(because)
      setState('signed-out')
    },
    [queries],
  )

  useEffect(() => {
    let isOver = false
    function tryAgain() {
      setState('away')
      setTimeout(() => void start(), ASK_AGAIN_MS)
    }
    async function start(): Promise<void> {
      try {
        setSettings(await settingsOf())
      } catch {
        if (!isOver) tryAgain()
        return
      }
      const stored = sessionStorage.getItem(STORED)
      if (stored === null) return setState('signed-out')
      try {
        await signIn(stored)
      } catch (error) {
        if (isOver) return
        // A server that is away says nothing about the key.
        if (isAway(error)) tryAgain()
        else signOut(error)
      }
    }
    void start()
    return () => {
      isOver = true
    }
  }, [signIn, signOut])

  // A key that is revoked while somebody works ends the session wherever it is noticed.
  useEffect(() => {
    const check = (error: unknown) => {
      if (isProblem(error, 'unauthenticated')) signOut(error)
    }
    const ends = [
      queries.getQueryCache().subscribe(({ query, type }) => {
        if (type === 'updated') check(query.state.error)
      }),
      queries.getMutationCache().subscribe(({ mutation, type }) => {
        if (type === 'updated') check(mutation.state.error)
      }),
    ]
    return () => {
      for (const end of ends) end()
    }
  }, [queries, signOut])

  const door = useMemo<SessionDoor>(() => {
    const session =
      signedIn === undefined || settings === undefined
        ? undefined
        : {
            ...signedIn,
            settings,
            can: (scope: Scope) => allows(signedIn.key.scopes, scope),
            signOut: () => signOut(),
          }
    return { state, session, refusal, signIn }
  }, [signedIn, settings, state, refusal, signIn, signOut])
  return <Door value={door}>{children}</Door>
}

export function useDoor(): SessionDoor {
  const door = useContext(Door)
  if (door === undefined) throw new Error('outside of SessionProvider')
  return door
}

/** The signed-in session; pages are only shown with one. */
export function useSession(): Session {
  const { session } = useDoor()
  if (session === undefined) throw new Error('nobody is signed in')
  return session
}
