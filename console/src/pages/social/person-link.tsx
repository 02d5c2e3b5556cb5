import { Link } from 'wouter'
import { usePerson } from '../../data/people.ts'
import { personAddress } from './addresses.ts'

interface PersonLinkProps {
  readonly userId: string
  /** The user who looks. */
  readonly as: string | undefined
}

/** A user by the id that posts have of him, and by his name as soon as that is there. */
export function PersonLink({ userId, as }: PersonLinkProps) {
  const person = usePerson(userId)
  return (
    <>
      {person === undefined ? null : <strong>{person.name}</strong>}
      <Link className="mono" href={personAddress(as, userId)}>
        {userId}
      </Link>
    </>
  )
}
