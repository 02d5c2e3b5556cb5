import { useEffect, useRef } from 'react'
import { Link, useLocation } from 'wouter'

/** Parts of a page as links, so that each has an address. */
export function Tabs({
  label,
  of,
}: {
  readonly label: string
  readonly of: readonly (readonly [href: string, name: string])[]
}) {
  const [here] = useLocation()
  const frame = useRef<HTMLElement>(null)
  // What lies below a part belongs to it: of two that fit, to the longer.
  const fitting = of
    .map(([href]) => href)
    .filter((href) => here === href || (href !== '/' && here.startsWith(`${href}/`)))
  const current = fitting.toSorted((a, b) => b.length - a.length)[0]
  // biome-ignore lint/correctness/useExhaustiveDependencies: another part is current
  useEffect(() => {
    frame.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
  }, [current])
  return (
    <nav className="tabs" aria-label={label} ref={frame}>
      {of.map(([href, name]) => (
        <Link key={href} href={href} aria-current={href === current ? 'page' : undefined}>
          {name}
        </Link>
      ))}
    </nav>
  )
}
