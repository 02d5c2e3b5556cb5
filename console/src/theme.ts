import { useEffect, useState } from 'react'

const STORED = 'fanfold.theme'

/** `system`, `light` or `dark`; kept in this browser. */
export function useTheme(): [theme: string, setTheme: (theme: string) => void] {
  const [theme, setTheme] = useState(() => localStorage.getItem(STORED) ?? 'system')
  useEffect(() => {
    if (theme === 'system') delete document.documentElement.dataset['theme']
    else document.documentElement.dataset['theme'] = theme
    localStorage.setItem(STORED, theme)
  }, [theme])
  return [theme, setTheme]
}
