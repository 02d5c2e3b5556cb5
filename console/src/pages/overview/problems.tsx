import type { SystemStatus } from 'fanfold/client'
import { Link } from 'wouter'
import type { Scope } from '../../../../src/http/scopes.ts'
import { useSession } from '../../data/session.tsx'
import { formatCount } from '../../ui/format.ts'

type Problem = SystemStatus['problems'][number]

/** The page that helps, for those who may see it; `#` is further down on this one. */
const HELP: Readonly<Record<Problem['code'], { href: string; words: string; scope?: Scope }>> = {
  engine_down: { href: '#engines', words: 'See the engines' },
  quarantined_streams: { href: '/operations/jobs', words: 'Rebuild it' },
  projection_stuck: { href: '#projections', words: 'See the projections' },
  dead_letters: { href: '/operations', words: 'See the dead letters' },
  operations_in_review: { href: '/payments/review', words: 'Decide them', scope: 'payments:read' },
  fanout_late: { href: '#queue', words: 'See the queue' },
  projection_lag: { href: '#projections', words: 'See the projections' },
  webhooks_late: { href: '/operations/webhooks', words: 'See the webhooks' },
  state_unknown: { href: '#engines', words: 'See the engines' },
}

const MILD: ReadonlySet<string> = new Set<Problem['code']>([
  'operations_in_review',
  'projection_lag',
  'webhooks_late',
  'fanout_late',
])

/** What is wrong, the worst first, with what helps; or that nothing is. */
export function Problems({ system }: { readonly system: SystemStatus }) {
  const { problems } = system
  return (
    <section className="stack" aria-labelledby="problems-head">
      <h2 id="problems-head">{problems.length === 0 ? 'All is well' : 'What is wrong'}</h2>
      {problems.length === 0 ? <AllIsWell system={system} /> : null}
      <ul className="stack" aria-live="polite">
        {problems.map((problem) => (
          <li
            key={`${problem.code} ${problem.message}`}
            className="notice"
            data-tone={MILD.has(problem.code) ? 'warn' : 'bad'}
          >
            <strong>{problem.message}</strong>
            <span>{problem.what_to_do}</span>
            <span className="row small">
              <code>{problem.code}</code>
              <Help code={problem.code} />
            </span>
          </li>
        ))}
      </ul>
    </section>
  )
}

function Help({ code }: { readonly code: Problem['code'] }) {
  const { can } = useSession()
  // A newer server may have problems that this page does not know.
  const help = HELP[code] as (typeof HELP)[Problem['code']] | undefined
  if (help === undefined || (help.scope !== undefined && !can(help.scope))) return null
  return help.href.startsWith('#') ? <a href={help.href}>{help.words}</a> : <Link href={help.href}>{help.words}</Link>
}

function AllIsWell({ system: { engines, projections, queue } }: { readonly system: SystemStatus }) {
  const waiting = queue.reduce((sum, { depth }) => sum + depth, 0)
  return (
    <p className="notice" data-tone="ok">
      {engines.length === 1 ? 'The engine answers' : `All ${engines.length} engines answer`}, none of{' '}
      {projections.length} projections is stuck,{' '}
      {waiting === 0 ? 'no message waits' : `${formatCount(waiting)} messages are under way`}, and there are no dead
      letters.
    </p>
  )
}
