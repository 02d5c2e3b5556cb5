import type { MediaItem, PostContent } from 'fanfold/client'
import { LIMITS } from '../../../../src/core/limits.ts'
import { fieldError } from '../../data/use-command.ts'
import { Button } from '../../ui/button.tsx'
import { Field } from '../../ui/field.tsx'
import { formatCount } from '../../ui/format.ts'

/** What somebody has typed so far. */
export interface Draft {
  readonly text: string
  readonly media: readonly DraftMedium[]
}

export interface DraftMedium {
  readonly id: number
  readonly url: string
  readonly type: MediaItem['type']
  readonly alt: string
}

export const EMPTY_DRAFT: Draft = { text: '', media: [] }

export const draftOf = ({ text = '', media = [] }: PostContent): Draft => ({
  text,
  media: media.map(({ url, type, alt = '' }, id) => ({ id, url, type, alt })),
})

/** What is sent: fields that were left empty are not there. */
export function contentOf({ text, media }: Draft): PostContent {
  const items = media.map(({ url, type, alt }): MediaItem => ({ url, type, ...(alt === '' ? {} : { alt }) }))
  return { ...(text === '' ? {} : { text }), ...(items.length === 0 ? {} : { media: items }) }
}

interface ContentFieldsProps {
  readonly label: string
  readonly draft: Draft
  readonly error: unknown
  onChange(draft: Draft): void
}

/** Text with its counter, and media. The server says what is wrong; the counter only says how much there is. */
export function ContentFields({ label, draft, error, onChange }: ContentFieldsProps) {
  const { text, media } = draft
  const length = [...text].length
  const change = (id: number, part: Partial<DraftMedium>) =>
    onChange({ ...draft, media: media.map((one) => (one.id === id ? { ...one, ...part } : one)) })
  const textError =
    fieldError(error, '/content/text') ?? (media.length === 0 ? fieldError(error, '/content') : undefined)
  return (
    <>
      <Field label={label} error={textError}>
        <textarea rows={3} value={text} onChange={(event) => onChange({ ...draft, text: event.target.value })} />
      </Field>
      <p className="small soft number" data-over={length > LIMITS.postTextCharsMax || undefined}>
        {formatCount(length)} of {formatCount(LIMITS.postTextCharsMax)} characters
      </p>
      {media.map((medium, n) => (
        <fieldset className="medium" key={medium.id}>
          <legend className="field-label">Medium {n + 1}</legend>
          <Field label="URL" error={fieldError(error, `/content/media/${n}/url`)}>
            <input
              type="url"
              inputMode="url"
              placeholder="https://…"
              value={medium.url}
              onChange={(event) => change(medium.id, { url: event.target.value })}
            />
          </Field>
          <Field label="Type" error={fieldError(error, `/content/media/${n}/type`)}>
            <select
              value={medium.type}
              onChange={(event) => change(medium.id, { type: event.target.value as MediaItem['type'] })}
            >
              <option value="image">image</option>
              <option value="video">video</option>
              <option value="audio">audio</option>
            </select>
          </Field>
          <Field
            label="Description (alt)"
            hint="What it shows, for people who can not see it"
            error={fieldError(error, `/content/media/${n}/alt`)}
          >
            <input value={medium.alt} onChange={(event) => change(medium.id, { alt: event.target.value })} />
          </Field>
          <div>
            <Button
              kind="quiet"
              onClick={() => onChange({ ...draft, media: media.filter(({ id }) => id !== medium.id) })}
            >
              Remove medium {n + 1}
            </Button>
          </div>
        </fieldset>
      ))}
      <div>
        <Button
          kind="quiet"
          refusal={media.length >= LIMITS.postMediaMax ? `a post has at most ${LIMITS.postMediaMax} media` : undefined}
          onClick={() =>
            onChange({
              ...draft,
              media: [...media, { id: (media.at(-1)?.id ?? 0) + 1, url: '', type: 'image', alt: '' }],
            })
          }
        >
          Add a medium
        </Button>
      </div>
    </>
  )
}
