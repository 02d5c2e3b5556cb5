import { useId } from 'react'
import { Button } from './button.tsx'

interface StepSliderProps {
  readonly label: string
  /** Steps are numbered from 1, as versions are. */
  readonly steps: number
  readonly at: number
  onChange(step: number): void
  /** What the step is, in words. */
  readonly describe: (step: number) => string
}

/** Walks through versions: a slider, and buttons for single steps. */
export function StepSlider({ label, steps, at, onChange, describe }: StepSliderProps) {
  const id = useId()
  return (
    <div className="slider">
      <div className="row">
        <label htmlFor={id}>
          <strong>{label}</strong>
        </label>
        <span className="soft small">
          {at} of {steps}
        </span>
      </div>
      <input
        id={id}
        type="range"
        min={1}
        max={steps}
        step={1}
        value={at}
        aria-valuetext={describe(at)}
        onChange={(event) => onChange(Number(event.target.value))}
      />
      <div className="row">
        <Button disabled={at <= 1} onClick={() => onChange(at - 1)}>
          Earlier
        </Button>
        <Button disabled={at >= steps} onClick={() => onChange(at + 1)}>
          Later
        </Button>
        <span>{describe(at)}</span>
      </div>
    </div>
  )
}
