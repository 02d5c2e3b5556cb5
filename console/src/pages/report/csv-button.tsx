import { useSession } from '../../data/session.tsx'
import { useCommand } from '../../data/use-command.ts'
import { Button } from '../../ui/button.tsx'
import type { SalesQuery } from './use-report.ts'

interface CsvButtonProps {
  readonly query: SalesQuery
  readonly fileName: string
  /** What is in the file, for screen readers. */
  readonly of: string
}

/** Fetches the same figures as CSV with the key, and hands them to the browser as a file. */
export function CsvButton({ query, fileName, of }: CsvButtonProps) {
  const { client } = useSession()
  const download = useCommand(
    async () => {
      const answer = client.get('/v1/reports/sales', { params: { query: { ...query, format: 'csv' } } })
      save(new Blob([(await answer) as unknown as string], { type: 'text/csv' }), fileName)
    },
    { done: `${fileName} is saved` },
  )
  return (
    <Button busy={download.isPending} onClick={() => download.mutate(undefined)}>
      CSV<span className="visually-hidden"> of {of}</span>
    </Button>
  )
}

function save(content: Blob, fileName: string): void {
  const url = URL.createObjectURL(content)
  const link = document.createElement('a')
  link.href = url
  link.download = fileName
  link.click()
  // The browser has begun to read it once its turn comes.
  setTimeout(() => URL.revokeObjectURL(url))
}
