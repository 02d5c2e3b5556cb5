interface CheckRowProps {
  readonly label: string
  readonly checked: boolean
  onChange(checked: boolean): void
}

export function CheckRow({ label, checked, onChange }: CheckRowProps) {
  return (
    <label className="check-row">
      <input type="checkbox" checked={checked} onChange={(event) => onChange(event.target.checked)} />
      {label}
    </label>
  )
}
