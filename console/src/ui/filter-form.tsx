import { type ReactNode, useLayoutEffect, useRef } from 'react'
import { Button } from './button.tsx'

interface FilterFormProps<Name extends string> {
  /** What is filtered, for screen readers. */
  readonly label: string
  readonly names: readonly Name[]
  readonly filters: { readonly [name in Name]?: string }
  /** What controls show, and what holds, where the address says nothing; it is not written there. */
  readonly usual?: { readonly [name in Name]?: string | undefined }
  onFilter(filters: { readonly [name in Name]?: string }): void
  /** Fields whose controls bear the names; choices and days hold at once, texts with Enter or the button. */
  readonly children: ReactNode
}

const HOLDS_AT_ONCE = new Set(['select-one', 'date'])

/** A day of which a part is missing, or only the first digits of the year are there: `2` is 0002. */
const isHalfTyped = (control: unknown): boolean =>
  control instanceof HTMLInputElement &&
  control.type === 'date' &&
  (control.validity.badInput || control.value.startsWith('0'))

type Kind = typeof HTMLInputElement | typeof HTMLSelectElement

function put(form: HTMLFormElement, kind: Kind, values: readonly (readonly [name: string, value: string])[]): void {
  for (const [name, value] of values) {
    const control = form.elements.namedItem(name)
    // Who types fast is ahead of what the address has of it.
    const isTyped = isHalfTyped(control) && control === document.activeElement
    if (control instanceof kind && control.value !== value && !isTyped) control.value = value
  }
}

/** Filters of a page. The address holds them: what is typed is kept until then, and follows when it changes. */
export function FilterForm<Name extends string>(props: FilterFormProps<Name>) {
  const { label, names, filters, usual, onFilter, children } = props
  const form = useRef<HTMLFormElement>(null)
  const values = names.map((name) => [name, filters[name] ?? usual?.[name] ?? ''] as const)
  // As text: an answer that comes while somebody types changes no filter, and must not take what is typed.
  const shown = JSON.stringify(values)
  useLayoutEffect(() => put(form.current!, HTMLInputElement, JSON.parse(shown)), [shown])
  // Every time: a choice may be given its options after the address named one.
  useLayoutEffect(() => put(form.current!, HTMLSelectElement, values))
  function submit() {
    const data = new FormData(form.current!)
    const given = names.map((name) => {
      const isKept = isHalfTyped(form.current!.elements.namedItem(name))
      const value = isKept ? (filters[name] ?? '') : String(data.get(name) ?? '')
      if (value === '') put(form.current!, HTMLInputElement, [[name, usual?.[name] ?? '']])
      return [name, value === usual?.[name] ? '' : value]
    })
    onFilter(Object.fromEntries(given) as typeof filters)
  }
  return (
    <search aria-label={label}>
      <form
        ref={form}
        className="filters"
        onSubmit={(event) => {
          event.preventDefault()
          submit()
        }}
        onChange={(event) => {
          const { type = '' } = event.target as EventTarget & { readonly type?: string }
          if (HOLDS_AT_ONCE.has(type) && !isHalfTyped(event.target)) submit()
        }}
      >
        {children}
        <div className="row">
          <Button type="submit">Apply</Button>
          {names.every((name) => filters[name] === undefined) ? null : (
            <Button
              kind="quiet"
              onClick={() => onFilter(Object.fromEntries(names.map((name) => [name, ''])) as typeof filters)}
            >
              Clear filters
            </Button>
          )}
        </div>
      </form>
    </search>
  )
}
